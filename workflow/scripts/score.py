"""Entry point of the rule `score`."""

import argparse
from pathlib import Path

from trajectories.adapter import stage
from trajectories.jobs.stage import score_rows


def main() -> None:
    """Score rows of the audit's table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="the audit's table")
    parser.add_argument("--model", required=True)
    parser.add_argument("--requests", type=Path, nargs="+", required=True, help="requests files, one per tree")
    parser.add_argument("--store", type=Path, required=True, help="folder of finished scores")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for downloaded checkpoints")
    parser.add_argument("--study", required=True, help="JSON: the sections protocol, scoring and checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, help="how many downloaded checkpoints may lie in the scratch folder")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--logs", type=Path, required=True, help="folder with a log per checkpoint")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder for what each checkpoint took")
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="scores files, named step<step>.parquet")
    arguments = vars(parser.parse_args())
    outputs = {int(path.stem.removeprefix("step")): path for path in arguments.pop("outputs")}
    with stage(arguments.pop("log")):
        score_rows(outputs=outputs, **arguments)


if __name__ == "__main__":
    main()
