"""Train one model of the pocket suite and keep its checkpoints."""

import argparse
from pathlib import Path

from trajectories.adapter import stage


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="name of a shape of the suite, e.g. pocket-1m")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, nargs="+", required=True, help="steps at which a checkpoint is kept")
    parser.add_argument("--corpus", type=Path, required=True, help="folder made by pocket_corpus.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoints step<step>/")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", type=Path, help="also write the log to this file")
    given = parser.parse_args()
    with stage(given.log):
        from trajectories.pocket.shapes import shape_of
        from trajectories.pocket.training import train_model

        shape = shape_of(given.model)
        train_model(given.model, shape, given.seed, given.steps, given.corpus, given.out, given.threads)


if __name__ == "__main__":
    main()
