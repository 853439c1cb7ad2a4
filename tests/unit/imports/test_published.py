import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from support.imports import read_harness, read_tidy
from trajectories.errors import UserError
from trajectories.imports.accuracy import reference_accuracy
from trajectories.imports.published import fetch, published_file
from trajectories.study.config import Study
from trajectories.tables import read_table

from .conftest import study_config

QUESTIONS = {
    "sig_figs": 20897, "resisting_correction": 7344, "repetitive_algebra": 1000, "pattern_matching_suppression": 1428,
    "modus_tollens": 1236, "into_the_unknown": 1824, "redefine": 1244, "neqa": 300, "memo_trap": 936,
    "hindsight_neglect": 315,
}  # fmt: skip
"""As counted in the paper's data sets."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve the folder `served` on this machine and yield its address."""
    (tmp_path / "served").mkdir()
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served"))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_fetch_keeps_only_what_has_the_expected_hash(server: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "all.tsv").write_bytes(b"right\n")
    good = hashlib.sha256(b"right\n").hexdigest()
    assert fetch(f"{server}/all.tsv", good, tmp_path / "kept.tsv").read_bytes() == b"right\n"
    with pytest.raises(UserError, match=r"what came has sha256"):
        fetch(f"{server}/all.tsv", hashlib.sha256(b"other").hexdigest(), tmp_path / "refused.tsv")
    assert not (tmp_path / "refused.tsv").exists()


def test_fetch_says_what_failed_and_what_to_do(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.tsv: cannot be fetched .*as data"):
        fetch(f"{server}/gone.tsv", "0" * 64, tmp_path / "x")


def test_a_folder_without_the_file_or_with_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds none of accuracy\.tsv"):
        published_file(tmp_path, tmp_path / "unused")
    (tmp_path / "accuracy.tsv").write_text("ModelName\n")
    with pytest.raises(UserError, match=r"accuracy\.tsv: sha256 is"):
        published_file(tmp_path, tmp_path / "unused")


def test_the_published_table_and_the_result_files_behind_it_agree(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "published"
    table = {(r.model, r.revision, r.task): r for r in read_tidy(published_file(folder, tmp_path / "unused"))}
    assert len(table) == 768
    files = [r for r in read_harness(folder / "lm_eval_json") if r.metric != "acc_norm"]
    assert len(files) == 768
    for reading in files:
        task = f"truthfulqa_{reading.metric}" if reading.task == "truthfulqa_mc" else reading.task
        assert table[reading.model, reading.revision, task].value == pytest.approx(reading.value, abs=1e-12)


def test_question_counts_worked_back_are_those_of_the_data_sets(shared_data: Path) -> None:
    readings = read_harness(shared_data / "published" / "lm_eval_json")
    for task, questions in QUESTIONS.items():
        counts = {r.questions for r in readings if r.task == f"isp_{task}" and r.metric == "acc"}
        assert counts - {None} == {questions}, task
    assert {r.questions for r in readings if r.metric == "mc1"} == {817}
    assert {r.questions for r in readings if r.metric == "mc2"} == {None}


def test_as_a_reference_only_what_the_study_has_is_taken(shared_data: Path, tmp_path: Path) -> None:
    data = {"data": str(shared_data / "published"), "import": None}
    models = [{"name": "pythia-70m", "parameters": 70e6}]
    study = Study.from_config(study_config(models=models, steps=[1000, 2000, 4000], **data))
    reference_accuracy(study, tmp_path / "reference.tsv", tmp_path / "unused")
    table = read_table(tmp_path / "reference.tsv", "accuracy")
    assert sorted(set(table["step"])) == [2000, 4000]
    assert set(zip(table["task"], table["metric"], strict=True)) == {
        ("memo_trap", "accuracy"), ("neqa", "accuracy"), ("truthfulqa_mc1", "mc1"), ("truthfulqa_mc2", "mc2"),
    }  # fmt: skip
    stranger = Study.from_config(study_config(**data))
    with pytest.raises(UserError, match="no model, step and task of this study"):
        reference_accuracy(stranger, tmp_path / "x", tmp_path / "unused")
