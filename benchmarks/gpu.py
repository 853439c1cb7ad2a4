"""Everything that only a GPU can answer, in one run of about five minutes.

    python benchmarks/gpu.py --results FOLDER            (one NVIDIA GPU with 80 GB or more)
    python benchmarks/gpu.py --results FOLDER --dry-run  (any machine, tiny shapes, seconds: does the command work?)

What is proven of each kind of architecture in bfloat16 and float16, and how far scores are from plain passes; SDPA
against FlexAttention compiled, in packs of 8192 and more; pieces of attention; the evaluation harness where it is
installed; loading; and from these the paper's 64 checkpoints. Pythia's shapes with random weights, trees of random
tokens in the outline of the paper's twelve tasks with their question counts; of each task a fraction is scored, and
seconds are scaled by questions. Needs torch, transformers, accelerate and numpy. What there is no time for is left out,
and said.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common.gpu_cases import Case, between, load_seconds, measure, pack_sizes, piece_sizes, release
from common.gpu_proofs import KINDS, proven
from common.machine import in_words, machine
from common.report import RESULTS, table, today, write_results
from common.shapes import PYTHIA, shape_of

FRACTIONS = {"70m": 0.5, "1.4b": 0.1, "6.9b": 0.03, "12b": 0.02}
HARNESS_ROWS = {"70m": 4096, "1.4b": 1024, "6.9b": 512, "12b": 256}
LOADED = ("70m", "1.4b")  # a larger checkpoint takes long to write; its seconds are scaled by bytes
PACKS = (8192, 16384, 32768)
PIECES = (256, 512, 1024, 2048, 1 << 30)
TARGETS = "at least half of the matrix rate on 6.9b and 12b, 10 times the harness, 64 checkpoints in 45 minutes"


class Clock:
    """Runs one measurement after another while there is time, and keeps what became of each."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes
        self.left_out: list[str] = []
        self.errors: list[str] = []

    def __call__(self, name: str, measurement: Callable[[], Any]) -> Any:
        """Return what a measurement gives; None where it fails or time is up: neither may cost the rest of a run."""
        if time.monotonic() > self._end:
            self.left_out.append(name)
            return None
        start = time.monotonic()
        try:
            found = measurement()
        except Exception as error:  # recorded in the results
            self.errors.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            found = None
        print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
        return found


def main() -> None:
    """Measure what there is time for, the most wanted first, then write the results."""
    args = _arguments()
    if args.dry_run:
        _do_not_compile()
    clock, described = Clock(args.minutes), machine()
    results: dict[str, Any] = {"machine": described, "dry_run": args.dry_run}
    device = "cpu" if args.dry_run else "cuda"
    results["proofs"] = _kept(
        clock(f"proofs {kind} {dtype}", lambda kind=kind, dtype=dtype: proven(kind, dtype, device, args.dry_run))
        for dtype in args.dtypes for kind in args.kinds
    )  # fmt: skip
    cases = _cases(args)
    results["cases"] = _kept(clock(str(case), lambda case=case: _measured(case)) for case in cases[:2])
    shape, packs, pieces = ("tiny", (128,), (32,)) if args.dry_run else ("1.4b", PACKS, PIECES)
    results["packs"] = clock("packs", lambda: pack_sizes(shape, args.dtypes[0], device, packs))
    results["pieces"] = clock("pieces", lambda: piece_sizes(shape, args.dtypes[0], device, packs[0], pieces))
    results["cases"] += _kept(clock(str(case), lambda case=case: _measured(case)) for case in cases[2:])
    loaded = {name: clock(f"loading {name}", lambda name=name: _loaded(name, args)) for name in args.loaded}
    results["loading"] = {name: seconds for name, seconds in loaded.items() if seconds is not None}
    results["study"] = None if args.dry_run else study_seconds(results["cases"], results["loading"])
    results |= {"left_out": clock.left_out, "errors": clock.errors}
    write_results("gpu-dry-run" if args.dry_run else "gpu", results, _markdown(results), args.results)


def _kept(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if one is not None]


def _do_not_compile() -> None:
    """Run FlexAttention uncompiled: compiling takes longer than all the rest of a dry run."""
    import torch

    torch.compiler.set_stance("force_eager")


def _cases(args: argparse.Namespace) -> list[Case]:
    if args.dry_run:
        return [Case("tiny", dtype, "cpu", 0.0, 16, (2, 4), 128) for dtype in args.dtypes]
    return [
        Case(shape, dtype, "cuda", FRACTIONS[shape], HARNESS_ROWS[shape], (16, 64, 256), args.pack_tokens)
        for dtype in args.dtypes for shape in args.shapes if dtype == args.dtypes[0] or shape == "1.4b"
    ]  # fmt: skip


def _measured(case: Case) -> dict[str, Any]:
    found = measure(case)
    release(case.device)
    print(case.shape, case.dtype, {key: found[key] for key in ("fastest", "of_matrix_rate", "all_seconds")}, flush=True)
    return found


def _loaded(name: str, args: argparse.Namespace) -> float:
    seconds = load_seconds(shape_of(name), args.dtypes[0], "cpu" if args.dry_run else "cuda")
    release("cpu" if args.dry_run else "cuda")
    return seconds


def study_seconds(cases: Sequence[dict[str, Any]], loading: dict[str, float]) -> dict[str, float]:
    """Return the seconds of the paper's 64 checkpoints by type; sizes not measured lie between their neighbours."""
    total = {}
    for dtype in {case["dtype"] for case in cases} if loading else set():
        known = [(PYTHIA[c["shape"]].parameters, c["all_seconds"]) for c in cases if c["dtype"] == dtype]
        if len(known) > 1 and all(seconds for _, seconds in known):
            total[dtype] = sum(
                shape.checkpoints * (between(known, shape.parameters) + _load_of(shape.parameters, loading))
                for shape in PYTHIA.values()
            )
    return total


def _load_of(parameters: int, loading: dict[str, float]) -> float:
    known = [(PYTHIA[name].parameters, seconds) for name, seconds in loading.items()]
    largest = max(known)
    return largest[1] * parameters / largest[0] if parameters > largest[0] else between(known, parameters)


def _markdown(results: dict[str, Any]) -> str:
    header = ["model", "type", "scored", "kernel", "all questions, s", "of the matrix rate", "matrix Tflop/s",
              "kernels apart, nats", "harness, s (batch)", "times faster", "peak GiB"]  # fmt: skip
    proofs = ["kind", "type", "way", "kernel", "leak", "position", "compared in", "from plain, nats",
              "type from float32, nats", "proofs, s"]  # fmt: skip
    proven_ones = results["proofs"] + [case["proofs"] for case in results["cases"] if "error" not in case["proofs"]]
    lines = [
        f"# One GPU, {today()}" + (" (dry run: the numbers mean nothing)" if results["dry_run"] else ""), "",
        in_words(results["machine"]), "", table(header, [_row(case) for case in results["cases"]]), "",
        f"Wanted: {TARGETS}.", "", table(proofs, [_proof(found) for found in proven_ones]), "",
        _sizes("tokens in a pack", results["packs"]), "", _sizes("queries in a piece", results["pieces"]), "",
        "Loading from a local disk: " + ", ".join(f"{k} {v:.1f} s" for k, v in results["loading"].items()) + ".",
    ]  # fmt: skip
    for dtype, seconds in (results["study"] or {}).items():
        lines.append(f"The paper's 64 checkpoints, {dtype}, loading included: {seconds / 60:.1f} minutes.")
    errors = [
        f"- {case['shape']} {case['dtype']} {what}: {found['error']}"
        for case in results["cases"]
        for what, found in (*case["kernels"].items(), ("proofs", case["proofs"]), ("harness", case["harness"]))
        if "error" in found
    ]
    errors += [f"- {error}" for error in results["errors"]]
    errors += [f"- no time for {name}" for name in results["left_out"]]
    return "\n".join([*lines, *(["", "What did not run:", *errors] if errors else []), ""])


def _row(case: dict[str, Any]) -> list[object]:
    shares = ", ".join(f"{name} {share:.2f}" for name, share in case["of_matrix_rate"].items())
    peer, faster = case["harness"], case["times_faster"]
    return [
        case["shape"], case["dtype"], f"{case['fraction']:.0%}", case["fastest"] or "none",
        f"{case['all_seconds']:.1f}" if case["all_seconds"] else "", shares, f"{case['matrix_tflops']:.1f}",
        "" if case["kernels_apart"] is None else f"{case['kernels_apart']:.2g}",
        "" if "error" in peer else f"{peer['all_seconds']:.0f} ({peer['batch_size']})",
        f"{faster:.1f}" if faster else "", f"{case['peak_gib']:.1f}" if case["peak_gib"] else "",
    ]  # fmt: skip


def _proof(found: dict[str, Any]) -> list[object]:
    figures = found["proofs"]
    way = f"{found['way']}, {figures['means']}" if found["way"] == "plain" else found["way"]
    return [
        found["kind"], found["dtype"], way, found["attention"], _short(figures.get("leak")),
        _short(figures.get("position", figures.get("states", figures.get("batches")))), figures.get("compared_in", ""),
        _short(found["distance"]), _short(found["noise"]), f"{found['seconds']:.1f}",
    ]  # fmt: skip


def _short(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.1g}"


def _sizes(what: str, found: Sequence[dict[str, Any]] | None) -> str:
    rows = [
        [
            one["size"],
            *(f"{one[kind]:.2f}" if kind in one else one.get(f"{kind}_error", "") for kind in ("sdpa", "flex")),
        ]
        for one in found or ()
    ]
    return table([what, "SDPA, of the matrix rate", "FlexAttention"], rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--minutes", type=float, default=4.5, help="after which no measurement is begun")
    parser.add_argument("--shapes", nargs="+", default=["1.4b", "6.9b", "70m", "12b"], choices=list(FRACTIONS))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float16"], choices=["bfloat16", "float16"])
    parser.add_argument("--pack-tokens", type=int, default=8192)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.loaded = [name for name in LOADED if name in args.shapes]
    if args.dry_run:
        args.kinds, args.dtypes, args.loaded = ["llama", "gemma2", "bamba"], ["bfloat16"], ["tiny"]
    return args


if __name__ == "__main__":
    main()
