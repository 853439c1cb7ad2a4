"""The evaluation harness as an oracle: its own Hugging Face backend on our questions."""

from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from trajectories import Question


def harness_scores(
    model: Any, tokenizer: Any, questions: Sequence[Question], delimiter: str = "", batch_size: int = 8
) -> dict[tuple[int, int], tuple[float, bool]]:
    """Return (question, choice) → (log-likelihood, is greedy) as `lm_eval` computes them."""
    backend = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size, device="cpu")
    places = [(number, choice) for number, item in enumerate(questions) for choice in range(len(item.choices))]
    instances = [
        Instance("loglikelihood", {}, (questions[q].context, delimiter + questions[q].choices[c]), index)
        for index, (q, c) in enumerate(places)
    ]
    return dict(zip(places, backend.loglikelihood(instances, disable_tqdm=True), strict=True))
