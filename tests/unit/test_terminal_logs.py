"""What the terminal takes from logs: errors and notes whole, and which job they are of."""

import logging
from pathlib import Path

import pytest

from trajectories.adapter import stage
from trajectories.errors import UserError
from trajectories.terminal.logs import failure_of, remarks
from trajectories.terminal.run import MOST_REMARKS, Run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "job.log"


def test_an_error_of_several_lines_is_shown_whole(log: Path) -> None:
    with pytest.raises(SystemExit), stage(log):
        raise UserError("2 of 4 are wrong:\n  a: step 1\nset anomalies: exclude")
    assert failure_of(log).splitlines() == ["2 of 4 are wrong:", "  a: step 1", "  set anomalies: exclude"]
    run = Run()
    run.start(1, "audit", {}, [str(log)])
    run.fail(1, "audit", [str(log)])
    first, second, third, last = "\n".join(run.last_words()).splitlines()
    assert first == f"error: 2 of 4 are wrong · audit · log: {log}"
    assert (second, third) == ("  a: step 1", "  set anomalies: exclude")
    assert last.startswith("1 failed")


def test_notes_are_shown_whole_and_after_however_many_warnings(log: Path) -> None:
    run = Run()
    run.start(1, "plan", {}, [str(log)])
    with stage(log):
        for number in range(MOST_REMARKS + 2):
            logging.getLogger(__name__).warning("odd %d", number)
        logging.getLogger(__name__).info("note: %s", "plan: 8 to do\n  disk: 2 GB")
        logging.getLogger(__name__).info("done")
    run.finish(1)
    words = run.last_words()
    assert words[:1] + words[-2:] == [
        "warning: odd 0",
        "and 2 more warnings in the logs",
        "plan: 8 to do\n  disk: 2 GB",
    ]


def test_noise_of_libraries_is_part_of_nothing(log: Path) -> None:
    log.write_text("12:00:00 warning: odd\nLoading: 1/28\n12:00:01 note: a\n  b\n")
    assert remarks(log) == ["warning: odd", "note: a\n  b"]
