from collections.abc import Callable
from pathlib import Path

import pytest

from trajectories.pocket.tokens import make_corpus

STEPS = 6


@pytest.fixture(scope="session")
def corpus_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """A function from seed to a corpus folder of `STEPS` steps, made once."""
    made: dict[int, Path] = {}

    def corpus(seed: int) -> Path:
        if seed not in made:
            made[seed] = tmp_path_factory.mktemp("suite") / "corpus"
            make_corpus(seed, STEPS, made[seed])
        return made[seed]

    return corpus
