"""How fast a prefix tree scores questions, against the evaluation harness on the same machine in the same run.

    python benchmarks/scoring.py --data FOLDER [--full]

Each side runs in a process of its own, with the same threads, type and weights (pythia-70m's shape, random numbers).
The harness gets the best of several batch sizes, found in the run. Without --full it scores a random fraction of its
rows and its time is scaled by the tokens it would push for all of them.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.alone import run_alone
from common.comparison import compare, markdown
from common.machine import machine
from common.report import RESULTS, write_results
from common.sides import Settings
from common.workloads import NAMES

# Parts of its rows the harness scores: to find its batch size, and to be timed.
TRIED = {"truthfulqa": 0.005, "memo_trap": 0.1, "ten_shot": 0.03}
SCORED = {"truthfulqa": 0.05, "memo_trap": 0.5, "ten_shot": 0.25}


def main() -> None:
    """Run the comparison and write its results."""
    args = _arguments()
    described = machine()
    measured = [_compared(name, args) for name in args.workloads]
    results = {"machine": described, "full": args.full, "threads": args.threads, "workloads": measured}
    write_results("scoring", results, markdown(results), args.results)


def _compared(name: str, args: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(
        workload=name, data=str(args.data), threads=args.threads, seed=args.seed, pack_tokens=args.pack_tokens,
        shape=args.shape,
    )  # fmt: skip
    print(f"{name}: prefix tree", flush=True)
    tree = run_alone("ours", settings)
    print(f"{name}: harness, batch sizes {args.batch_sizes}", flush=True)
    trial = replace(settings, batch_sizes=tuple(args.batch_sizes), fraction=TRIED[name] * args.effort)
    trials = run_alone("harness", trial)["runs"]
    best = min(trials, key=lambda run: run["wall"] / run["tokens"] * run["all_tokens"])["batch_size"]
    fraction = 1.0 if args.full else min(1.0, SCORED[name] * args.effort)
    print(f"{name}: harness, batch size {best}, {fraction:.0%} of its rows", flush=True)
    peer = run_alone("harness", replace(settings, batch_sizes=(best,), fraction=fraction))
    return compare(name, tree, trials, peer, fraction)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=default_data(), help="folder with truthfulqa/, memo_trap/ and tokenizer/"
    )
    parser.add_argument("--workloads", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--full", action="store_true", help="let the harness score everything (half an hour)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--pack-tokens", type=int)
    parser.add_argument("--shape", default="70m")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--effort", type=float, default=1.0, help="scales the parts of its rows the harness scores")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data: the folder with truthfulqa/mc_task.json, memo_trap/*.csv and tokenizer/ is not here")
    return args


def default_data() -> Path | None:
    """Return the folder of data beside the project, or where an environment variable says; None where there is none."""
    beside = Path(os.environ.get("TRAJECTORIES_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return beside if beside.is_dir() else None


if __name__ == "__main__":
    main()
