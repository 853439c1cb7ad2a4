"""What the terminal takes from logs: errors and notes whole, and which job they are of."""

import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from trajectories.adapter import CALM, stage
from trajectories.errors import UserError
from trajectories.terminal.logs import failure_of, remarks
from trajectories.terminal.nothing import Nothing
from trajectories.terminal.run import MOST_REMARKS, Run, Stage
from trajectories.terminal.views import Bars, pace


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


@pytest.mark.parametrize(("calm", "said"), [("1", False), ("", True)])
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "RuntimeError"])
def test_ctrl_c_while_a_script_is_importing_leaves_no_traceback(calm: str, said: bool, error: str) -> None:
    script = f"from trajectories.adapter import stage\nraise {error}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, CALM: calm},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert (error in done.stderr) == (said or error == "RuntimeError")


def test_scoring_is_one_stage_however_many_rules_it_is_cut_into(log: Path) -> None:
    run = Run()
    run.plan({"score_1": 2, "score_2": 1, "score_a": 1, "report": 1})
    assert {name: stage.total for name, stage in run.stages.items()} == {"score": 3, "score_a": 1, "report": 1}
    for job, rule in enumerate(("score_1", "score_2")):
        run.start(job, rule, {"model": f"m{job}"}, [str(log)])
    assert run.in_hand("score") == "m0, m1"
    run.finish(0)
    run.fail(1, "score_2", [str(log)])
    assert run.counts() == (1, 5)
    assert run.last_words()[0] == f"error: ended without a word · score m1 · log: {log}"


def test_a_stage_at_its_end_says_how_long_it_took_and_no_rate() -> None:
    stage = Stage("score", 4, done=2, started=100.0)
    assert pace(stage, 160.0) == "2.0/min, 60 s left"
    assert pace(stage, 220.0) == "1.0/min, 2 min left"
    assert pace(Stage("score", 4, done=4, started=100.0, ended=150.0), 5000.0) == "took 50 s"
    assert pace(Stage("score", 4, started=100.0), 160.0) == ""


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_what_is_in_hand_leaves_bar_and_count_their_room(
    log: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest line of a log is cut to the terminal: no bar shrinks, no line breaks."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    log.write_text("12:00:00 " + "a task with a long name and much to say of it, " * 5)
    run = Run()
    run.plan({"score_1": 7, "figure_accuracy": 1})
    run.start(1, "score_1", {}, [str(log)])
    run.start(2, "figure_accuracy", {}, [str(log)])
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    bars = Bars(stream)
    bars.update(run)
    bars.close()
    lines = [line for line in Text.from_ansi(stream.getvalue()).plain.splitlines() if "0/7" in line]
    assert lines
    for line in lines:
        assert re.match(r"score +[━╺╸ ]{12,24} +0/7 ", line)
        assert len(line.rstrip()) <= width
        assert ("…" in line) == (62 < width < 180)


def test_a_run_with_nothing_to_do_says_where_the_report_is() -> None:
    logger, heard = logging.Logger("run"), list[tuple[str, bool]]()
    logger.addHandler(Nothing(logger, lambda: ["report: there"]))
    hearer = logging.Handler()
    hearer.emit = lambda record: heard.append((record.getMessage(), getattr(record, "made", False)))  # type: ignore[method-assign]
    logger.addHandler(hearer)
    logger.info("Building DAG of jobs...")
    assert ("report: there", True) not in heard
    logger.info("Nothing to be done (all requested files are present and up to date).")
    assert heard.count(("report: there", True)) == 1
