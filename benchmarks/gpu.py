"""The paper's study on one GPU: scoring and loading measured, the sum over its 64 checkpoints.

    python benchmarks/gpu.py            (one NVIDIA GPU with 80 GB or more, under ten minutes)
    python benchmarks/gpu.py --dry-run  (any machine, tiny shapes, seconds: does the command work?)

Pythia's shapes with random weights, trees of random tokens in the outline of the paper's twelve tasks with their
question counts. Of each task a fraction is scored, and seconds are scaled by questions.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.gpu_cases import Case, between, load_seconds, measure, release
from common.machine import in_words, machine
from common.report import RESULTS, table, today, write_results
from common.shapes import PYTHIA, shape_of

FRACTIONS = {"70m": 0.5, "1.4b": 0.2, "6.9b": 0.06, "12b": 0.04}
HARNESS_ROWS = {"70m": 4096, "1.4b": 1024, "6.9b": 512, "12b": 256}
LOADED = ("70m", "1.4b", "6.9b")  # a 12b checkpoint is 24 GB to write; its seconds are scaled by bytes
TARGETS = "at least half of the matrix rate on 6.9b and 12b, 10 times the harness, 64 checkpoints in 45 minutes"


def main() -> None:
    """Measure every case, then write the results."""
    args = _arguments()
    if args.dry_run:
        _do_not_compile()
    described = machine()
    cases = [_case(shape, dtype, args) for shape in args.shapes for dtype in args.dtypes]
    measured = [_measured(case) for case in cases]
    results: dict[str, Any] = {"machine": described, "dry_run": args.dry_run, "cases": measured}
    results["loading"] = {name: _loaded(name, args) for name in args.loaded}
    results["study"] = None if args.dry_run else study_seconds(measured, results["loading"])
    write_results("gpu-dry-run" if args.dry_run else "gpu", results, _markdown(results), args.results)


def _do_not_compile() -> None:
    """Run FlexAttention uncompiled: compiling takes longer than all the rest of a dry run."""
    import torch

    torch.compiler.set_stance("force_eager")


def _case(shape: str, dtype: str, args: argparse.Namespace) -> Case:
    if args.dry_run:
        return Case(shape, dtype, "cpu", 0.0, 16, (2, 4), 128)
    return Case(shape, dtype, "cuda", FRACTIONS[shape], HARNESS_ROWS[shape], (16, 64, 256), args.pack_tokens)


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
    for dtype in {case["dtype"] for case in cases}:
        known = [(PYTHIA[c["shape"]].parameters, c["all_seconds"]) for c in cases if c["dtype"] == dtype]
        if all(seconds for _, seconds in known):
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
              "harness, s (batch)", "times faster", "peak GiB"]  # fmt: skip
    lines = [
        f"# One GPU, {today()}" + (" (dry run: the numbers mean nothing)" if results["dry_run"] else ""), "",
        in_words(results["machine"]), "", table(header, [_row(case) for case in results["cases"]]), "",
        f"Wanted: {TARGETS}.", "",
        "Loading from a local disk: " + ", ".join(f"{k} {v:.1f} s" for k, v in results["loading"].items()) + ".",
    ]  # fmt: skip
    for dtype, seconds in (results["study"] or {}).items():
        lines.append(f"The paper's 64 checkpoints, {dtype}, loading included: {seconds / 60:.1f} minutes.")
    errors = [f"- {c['shape']} {c['dtype']} {kind}: {found['error']}" for c in results["cases"]
              for kind, found in (*c["kernels"].items(), ("harness", c["harness"])) if "error" in found]  # fmt: skip
    return "\n".join([*lines, *(["", "What did not run:", *errors] if errors else []), ""])


def _row(case: dict[str, Any]) -> list[object]:
    shares = ", ".join(f"{name} {share:.2f}" for name, share in case["of_matrix_rate"].items())
    peer, faster = case["harness"], case["times_faster"]
    return [
        case["shape"], case["dtype"], f"{case['fraction']:.0%}", case["fastest"] or "none",
        f"{case['all_seconds']:.1f}" if case["all_seconds"] else "", shares, f"{case['matrix_tflops']:.1f}",
        "" if "error" in peer else f"{peer['all_seconds']:.0f} ({peer['batch_size']})",
        f"{faster:.1f}" if faster else "", f"{case['peak_gib']:.1f}" if case["peak_gib"] else "",
    ]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--shapes", nargs="+", default=list(FRACTIONS), choices=list(FRACTIONS))
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float16"], choices=["bfloat16", "float16"])
    parser.add_argument("--pack-tokens", type=int, default=8192)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.loaded = [name for name in LOADED if name in args.shapes]
    if args.dry_run:
        args.shapes, args.dtypes, args.loaded = ["tiny"], ["bfloat16"], ["tiny"]
    return args


if __name__ == "__main__":
    main()
