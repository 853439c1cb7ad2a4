"""Packs side by side: results in order, errors after what came before them, the caller's threads left alone."""

import threading
import time

import numpy as np
import pytest
import torch

from support.models import random_model, tokenizer
from trajectories import Question
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.forward import TreeForward
from trajectories.scoring.workers import in_order
from trajectories.study.protocol import Protocol

QUESTIONS = [
    Question(f"{first} plus {second} is", (" eight", " four", " three and one"), (1, 0, 0))
    for first in ("Two", "One", "Five", "Three")
    for second in ("two", "one", "five", "three")
]


@pytest.fixture
def threads():
    """Set torch's threads for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_results_come_in_order(number: int) -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(in_order(slow_first, range(10), number)) == [item * item for item in range(10)]


def test_items_really_run_at_once_and_share_the_threads(threads) -> None:  # type: ignore[no-untyped-def]
    threads(6)
    together = threading.Barrier(3, timeout=30)  # breaks unless three items wait at the same time

    def meet(_: int) -> int:
        together.wait()
        return torch.get_num_threads()

    assert list(in_order(meet, range(3), 6)) == [2, 2, 2]
    assert torch.get_num_threads() == 6


def test_an_error_comes_after_what_was_before_it_and_leaves_nothing_running(threads) -> None:  # type: ignore[no-untyped-def]
    threads(2)
    running: list[int] = []

    def third_fails(item: int) -> int:
        running.append(item)
        time.sleep(0.01)
        running.remove(item)
        if item == 2:
            raise RuntimeError("can't allocate memory")
        return item

    found: list[int] = []
    with pytest.raises(RuntimeError, match="allocate"):
        found.extend(in_order(third_fails, range(50), 2))
    assert found == [0, 1]
    assert not running
    assert torch.get_num_threads() == 2


def test_scores_do_not_depend_on_the_threads(threads, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    requests = encode({"t": QUESTIONS}, {"t": ""}, tokenizer(), Protocol())
    engine = Engine(random_model("gpt_neox"), pack_tokens=20)
    threads(1)
    alone = engine.score(requests)
    names, run = set(), TreeForward.__call__

    def watched(self: TreeForward, pack):  # type: ignore[no-untyped-def]
        names.add(threading.current_thread().name)
        return run(self, pack)

    monkeypatch.setattr(TreeForward, "__call__", watched)
    threads(4)
    for _ in range(5):
        beside = engine.score(requests)
        np.testing.assert_array_equal(beside.loglikelihood, alone.loglikelihood)
        np.testing.assert_array_equal(beside.is_greedy, alone.is_greedy)
    assert len(names) > 1
    assert threading.main_thread().name not in names
