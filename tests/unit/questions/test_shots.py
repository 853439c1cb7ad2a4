"""Worked examples before a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.questions.shots import with_shots

QUESTIONS = [Question(f"question {n}:", (f" wrong{n}", f" right{n}"), (0, 1)) for n in range(6)]


def test_one_shot() -> None:
    shot = with_shots(QUESTIONS, 1, seed=0)
    for index, question in enumerate(shot):
        example, own = question.context.split("\n\n\n")
        assert own == QUESTIONS[index].context
        assert example in {f"question {n}: right{n}" for n in range(6) if n != index}
        assert (question.choices, question.labels) == (QUESTIONS[index].choices, QUESTIONS[index].labels)


@given(shots=st.integers(1, 5), seed=st.integers(0, 50))
def test_examples_are_different_others_with_their_right_answers(shots: int, seed: int) -> None:
    for index, question in enumerate(with_shots(QUESTIONS, shots, seed, prefix=" ")):
        *examples, own = question.context.split("\n\n\n")
        assert own == QUESTIONS[index].context
        assert len(set(examples)) == shots
        assert set(examples) <= {f"question {n}:  right{n}" for n in range(6) if n != index}


def test_the_seed_decides() -> None:
    assert with_shots(QUESTIONS, 2, seed=3) == with_shots(QUESTIONS, 2, seed=3)
    assert with_shots(QUESTIONS, 2, seed=3) != with_shots(QUESTIONS, 2, seed=4)


def test_not_enough_others() -> None:
    with pytest.raises(UserError, match="6 examples cannot be drawn from 5 other questions"):
        with_shots(QUESTIONS, 6, seed=0)
