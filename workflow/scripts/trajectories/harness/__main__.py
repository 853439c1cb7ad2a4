"""The evaluation harness's own command line, with `--model tree` beside its other models.

python -m trajectories.harness --model tree --model_args pretrained=FOLDER,dtype=float16 --tasks hellaswag
"""

import sys

from trajectories.errors import UserError

MISSING = "the evaluation harness is not installed here: pip install 'trajectories[harness]'"


def main() -> None:
    """Register the backend and hand over to the harness."""
    try:
        from lm_eval.__main__ import cli_evaluate
        from lm_eval.api.registry import register_model
    except ImportError as error:
        sys.exit(f"error: {MISSING} ({error})")
    from trajectories.harness.backend import TreeLM

    register_model("tree")(TreeLM)
    try:
        cli_evaluate()
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
