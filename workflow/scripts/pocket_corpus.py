"""Make the corpus folder that the pocket suite's models are trained from."""

import argparse
from pathlib import Path

from trajectories.adapter import stage


def main() -> None:
    """Read the command line and make the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="how many training steps it must last for")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--log", type=Path, help="also write the log to this file")
    arguments = parser.parse_args()
    with stage(arguments.log):
        from trajectories.pocket.tokens import make_corpus

        make_corpus(arguments.seed, arguments.steps, arguments.out)


if __name__ == "__main__":
    main()
