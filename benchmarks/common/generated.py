"""Trees of random tokens in the outline of real tasks: speed depends on how prefixes are shared, not on the words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trajectories.scoring.requests import Requests, build_requests


@dataclass(frozen=True)
class Outline:
    """A task by its sizes in tokens: what all questions share, what a question's choices share, and the choices."""

    name: str
    questions: int
    preamble: int
    context: int
    choices: int
    counted: int  # tokens of a choice


# The paper's twelve tasks. Question counts are the paper's; TruthfulQA's and Memo Trap's lengths are those of the data
# with the Pythia tokenizer, the others' are typical of the tasks as published.
PAPER = (
    Outline("sig_figs", 20897, 24, 32, 2, 3),
    Outline("resisting_correction", 7344, 60, 40, 2, 2),
    Outline("into_the_unknown", 1824, 16, 110, 2, 18),
    Outline("pattern_matching_suppression", 1428, 30, 40, 2, 1),
    Outline("redefine", 1244, 0, 40, 2, 2),
    Outline("modus_tollens", 1236, 20, 80, 2, 1),
    Outline("repetitive_algebra", 1000, 0, 220, 2, 2),
    Outline("memo_trap", 936, 2, 20, 2, 2),
    Outline("hindsight_neglect", 315, 0, 650, 2, 1),
    Outline("neqa", 300, 8, 60, 2, 1),
    Outline("truthfulqa", 817, 155, 16, 13, 10),
)


def requests_of(outline: Outline, vocabulary: int, seed: int, questions: int | None = None) -> Requests:
    """Return the requests of a task in `outline`, or of the first `questions` of them, as random tokens."""
    draw = np.random.default_rng([seed, outline.questions])
    preamble = draw.integers(vocabulary, size=outline.preamble)
    ids: list[Sequence[int]] = []
    places: list[tuple[int, int]] = []
    for question in range(questions or outline.questions):
        context = np.concatenate([preamble, draw.integers(vocabulary, size=outline.context)])
        for choice in range(outline.choices):
            ids.append(np.concatenate([context, draw.integers(vocabulary, size=outline.counted)]).tolist())
            places.append((question, choice))
    columns = {
        "counted": [outline.counted] * len(ids), "task": [0] * len(ids), "label": [int(c == 0) for _, c in places],
        "question": [q for q, _ in places], "choice": [c for _, c in places], "characters": [1] * len(ids),
    }  # fmt: skip
    return build_requests([outline.name], ids, columns)
