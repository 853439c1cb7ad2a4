"""Files of absurd size or cut short are refused, by name, before they do harm."""

import os
from pathlib import Path

import pytest

from support.models import save_checkpoint
from trajectories.analysis.summaries import summary
from trajectories.errors import UserError
from trajectories.questions.files import LARGEST_BYTES, read_rows
from trajectories.scoring.requests import read_requests
from trajectories.scoring.scores import empty_scores, read_scores, write_scores
from trajectories.scoring.tokenizer import MAX_FILE, open_tokenizer


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_an_absurd_tokenizer_is_refused_unread(tmp_path: Path, name: str) -> None:
    save_checkpoint(tmp_path)
    open_tokenizer(tmp_path)
    os.truncate(tmp_path / name, MAX_FILE + 1)  # a hole: takes no room
    with pytest.raises(UserError, match=f"{name}: {MAX_FILE + 1} bytes is absurd"):
        open_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_an_absurd_question_file_is_refused_unread(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, LARGEST_BYTES + 1)
    with pytest.raises(UserError, match=f"{name}: is larger than 1 GiB"):
        read_rows(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_cut_scores_and_requests_are_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "scores.parquet"
    write_scores(empty_scores(), path, {})
    assert len(read_scores(path)) == 0
    path.write_bytes(path.read_bytes()[:keep])
    for read in (read_scores, read_requests):
        with pytest.raises(UserError, match=r"scores\.parquet: not a readable"):
            read(path)


def test_accuracy_of_a_cut_scores_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "step1.parquet"
    write_scores(empty_scores(), path, {})
    path.write_bytes(path.read_bytes()[:-20])
    for kept in (None, tmp_path / "kept"):
        with pytest.raises(UserError, match=r"step1\.parquet: not a readable scores file"):
            summary(path, kept)
