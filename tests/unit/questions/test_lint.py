"""What looks wrong in questions is told with its count and its first question, and sound questions are left alone."""

import pytest

from trajectories.questions.catalogue import preamble_text
from trajectories.questions.lint import lint
from trajectories.questions.question import Question

WORDS = ("blue", "green", "wide", "four", "seventeen", "old", "new", "thirsty", "cold", "warm", "round", "flat")


def made(choices: tuple[str, ...], labels: tuple[int, ...], context: str = "A thing is") -> Question:
    return Question(context, choices, labels)


SOUND = [
    made((f" {word}", f" {WORDS[5 * k % 12]}x"), (k % 2, 1 - k % 2), f"Thing {k} is") for k, word in enumerate(WORDS)
]
"""True choices in both places, of all lengths."""


def with_one(question: Question) -> list[Question]:
    return [*SOUND, question]


def each(**changes: object) -> list[Question]:
    """The sound questions with changes: functions of number and question."""
    return [Question(**(vars(q) | {key: make(k, q) for key, make in changes.items()})) for k, q in enumerate(SOUND)]  # type: ignore[operator]


BARE = each(choices=lambda k, q: tuple(choice.strip() for choice in q.choices))
LONGEST = each(choices=lambda k, q: tuple(c + " for ever" * n for c, n in zip(q.choices, q.labels, strict=True)))
THREE = each(choices=lambda k, q: (*q.choices, " it"), labels=lambda k, q: (0, k % 2, 1 - k % 2))

CASES: dict[str, tuple[list[Question], str]] = {
    "equal questions": (with_one(SOUND[3]), "1 of 13 questions asked before, word for word, the first is question 12"),
    "equal choices": (with_one(made((" c", " c"), (1, 0))), "1 of 13 questions with two equal choices"),
    "no space": (
        BARE,
        "12 of 12 questions whose choices stand right behind the context, without a space, the first",
    ),
    "space at the end": (with_one(made((" c ", " d"), (1, 0))), "1 of 13 questions with a choice that ends in white"),
    "two spaces": (with_one(made((" c", " d"), (1, 0), "a b ")), "whose context ends in a space before one more"),
    "all true": (with_one(made((" c", " d"), (1, 1))), "1 of 13 questions whose choices are all true"),
    "one context": (each(context=lambda k, q: "Answer:"), "all 12 questions have the same context 'Answer:'"),
    "one place": (each(labels=lambda k, q: (0, 1)), "in all 12 questions choice 1 is true"),
    "counted from 1": (THREE, "in none of 12 questions is the first choice true; do answers count from 1?"),
    "longest": (LONGEST, "in all 12 questions the true choice is the longest"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_looks_wrong_is_told_once(name: str) -> None:
    questions, expected = CASES[name]
    found = lint(questions)
    assert len(found) == 1, found
    assert expected in found[0]


def test_sound_questions_are_left_alone() -> None:
    assert lint(SOUND) == []
    assert lint([made(q.choices, q.labels, "Q: why?\nA:") for q in SOUND[:4]]) == []
    assert lint([Question("", (f"A running text, {k}.",), (1,), running=True) for k in range(20)]) == []


def test_a_delimiter_counts() -> None:
    assert lint(BARE, prefix=" ") == []
    assert "before one more" in lint([made(("c", "d"), (1, 0), "a b ")], prefix=" ")[0]


@pytest.mark.parametrize(
    ("context", "choice"),
    [("北京是", "首都"), ("He said (", "yes"), ("Line\n", "word"), ("x =", "\n1"), ("", "A sentence"), ("un-", "do")],
)
def test_where_no_space_belongs_none_is_missed(context: str, choice: str) -> None:
    assert lint([made((choice, " it"), (1, 0), context)]) == []


def test_true_choices_first_is_how_truthfulqa_lists_them() -> None:
    questions = [made(q.choices, (1, 0), preamble_text("truthfulqa") + q.context) for q in SOUND]
    assert lint(questions, metric="mc2") == []
    assert lint(questions, metric="accuracy") != []


def test_pairs_of_sentences_and_contexts_of_their_own_are_sound() -> None:
    """BLiMP lists the good sentence first; Winogrande's choices differ in what stands before them."""
    pairs = [Question("", (f"He runs {n}.", f"He run {n} ."), (1, 0)) for n in range(20)]
    assert lint(pairs) == []
    split = [
        Question("", (" is big", " is big"), (n % 2, 1 - n % 2), contexts=(f"The bag {n}", f"The box {n}"))
        for n in range(20)
    ]
    assert lint(split) == []
