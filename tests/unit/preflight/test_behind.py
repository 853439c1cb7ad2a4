"""What a refused config hides is told with it: other sections, what must fit together, and the question files."""

from pathlib import Path
from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.preflight.behind import further_mistakes
from trajectories.study.config import Study

GOOD = 'prompt,classes,answer_index\nThe sky is,"["" blue"", "" green""]",0\n'
BAD = GOOD.replace(",0", ",7")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(GOOD)
    Path("bad.csv").write_text(BAD)
    Path("worse.csv").write_bytes("naïve".encode("latin-1"))


def behind(**changes: Any) -> list[str]:
    """Return what is told beside the mistakes for which the config is refused."""
    config: dict[str, Any] = {
        "study": "x",
        "checkpoints": {"folder": "runs/{model}/step{step}", "tokens_per_step": 10},
        "models": [{"name": "a", "parameters": 10}],
        "steps": [1],
        "tasks": [{"name": "t", "file": "bad.csv"}],
    } | changes
    with pytest.raises(UserError) as refused:
        Study.from_config(config, "c.yaml")
    told = further_mistakes(config, str(refused.value), "c.yaml")
    assert not set(told) & set(str(refused.value).splitlines()), "each is said once"
    return told


OUT = "task t, row 0 (line 2): answer index 7 is out of range"
ABSENT = "model a: no checkpoint is there"


def starts(told: list[str], *beginnings: str) -> bool:
    return len(told) == len(beginnings) and all(map(str.startswith, told, beginnings))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scoring": {"dtype": "fp16"}}, (OUT, ABSENT)),
        ({"scorng": {}}, (OUT, ABSENT)),
        ({"protocol": "harnes"}, (OUT, ABSENT)),
        ({"steps": ["step1"]}, (OUT,)),
        ({"study": "a b"}, (OUT,)),
        ({"models": ["a"]}, (OUT,)),
        ({"models": [{"name": "a", "parameters": 1}, {"name": "b", "parameters": "7M"}]}, (OUT, ABSENT)),
        ({"checkpoints": {"folder": "runs/{model}/step{step}"}}, (OUT,)),
        ({"scoring": {"dtype": "fp16"}, "checkpoints": {"folder": "{model}/{step}"}}, ("c.yaml: checkpoints.tok", OUT)),
        ({"scoring": {"dtype": "fp16"}, "statistics": {"axis": "loss"}}, ("c.yaml: statistics.axis", OUT, ABSENT)),
        ({"statistics": {"axis": "loss"}}, (OUT, ABSENT)),
    ],
)
def test_question_files_and_folders_are_looked_at_behind_a_wrong_config(
    change: dict[str, Any], told: tuple[str, ...]
) -> None:
    assert starts(behind(**change), *told), behind(**change)


def test_tasks_are_looked_at_beside_wrong_ones_of_which_nothing_else_follows() -> None:
    tasks = [{"name": "lost", "fil": "good.csv"}, {"name": "t", "file": "bad.csv"}, {"name": "u", "file": "worse.csv"}]
    told = behind(tasks=tasks, statistics={"metrics": {"lost": "loss"}}, averages=[{"name": "m", "tasks": ["lost"]}])
    assert starts(told, OUT, "task u: worse.csv: is not UTF-8 text", ABSENT), told


def test_what_is_sound_gives_no_further_line() -> None:
    assert starts(behind(scoring={"dtype": "fp16"}, tasks=[{"name": "t", "file": "good.csv"}]), ABSENT)
    assert behind(tasks=7) == []
    assert behind(steps=["x"], tasks=["pocket_neqa", {"name": "t", "file": "good.csv"}]) == []
