"""`snakemake new`: a commented study of the reader's own question, to be changed at will."""

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import write_text
from trajectories.questions.files import read_rows
from trajectories.questions.layouts import fitting_layouts
from trajectories.study.strict import suggestion

logger = logging.getLogger(__name__)

EXAMPLE = """prompt,classes,answer_index
The opposite of hot is,"["" cold"", "" warm""]",0
The opposite of small is,"["" tiny"", "" large""]",1
The opposite of early is,"["" late"", "" soon""]",0
The opposite of weak is,"["" faint"", "" strong""]",1
"""
"""Questions for a reader who has none yet: text before the choices, the choices as a JSON list, the right one."""

PRIZE = ("prompt", "classes", "answer_index")
"""The columns of a file that needs no layout."""

SUITES = {
    "demo": """\
checkpoints: # local checkpoints: a folder for each model and step
  folder: results/demo/suite/{model}/step{step} # what `make demo` trained
  tokens_per_step: 1024 # tokens that one training step sees: batch size x sequence length

models: # a model: one line, with its parameter count
  - {name: pocket-39k, parameters: 39e3}
  - {name: pocket-104k, parameters: 104e3}
  - {name: pocket-331k, parameters: 331e3}
  - {name: pocket-1m, parameters: 1.05e6}

steps: [1, 4, 16, 64, 256, 1024] # the checkpoints to score
""",
    "pythia": """\
checkpoints: # on the hub: a repository for each model, a branch for each step
  hub: EleutherAI/{model}
  revision: step{step}
  anomalies: exclude # leave out checkpoints that are not what their names say; the report names them

models: # a model: one line, with its parameter count
  - {name: pythia-70m, parameters: 70e6}
  - {name: pythia-160m, parameters: 160e6}
  - {name: pythia-410m, parameters: 410e6}
  - {name: pythia-1b, parameters: 1.0e9}

steps: [512, 1000, 4000, 16000, 64000, 143000] # the checkpoints to score
""",
}
"""Where checkpoints are, by the word that `--config suite=` takes."""


def write_new_study(study: str, file: str, suite: str, folder: Path) -> Path:
    """Write `<study>.yaml` into `folder`, with an example's questions where the reader names no `file`; return it.

    Raises `UserError` for a file of questions that is not there, an unknown suite, and what is there already.
    """
    config = folder / f"{study}.yaml"
    if suite not in SUITES:
        raise UserError(f"suite: {suite!r} is not known{suggestion(suite, SUITES)}")
    if config.exists():
        raise UserError(f"{config}: is there already; give another name with --config study=NAME, or remove it")
    if file and not (folder / file).is_file():
        raise UserError(f"file: {file!r} is not there; paths count from {folder.absolute()}")
    questions = file or f"{study}.csv"
    if not file:
        if (folder / questions).exists():
            raise UserError(f"{questions}: is there already; take it with --config file={questions}")
        write_text(folder / questions, EXAMPLE)
    write_text(config, study_text(study, questions, suite, _columns(folder / questions)))
    logger.info("note: wrote %s", _told(config.name, questions, suite, bool(file)))
    return config


def _columns(file: Path) -> tuple[str, ...]:
    """Return the columns of a file of questions; nothing of a text."""
    return () if file.suffix == ".txt" else tuple(dict.fromkeys(key for row in read_rows(file)[:1] for key in row))


def study_text(study: str, questions: str, suite: str, columns: Sequence[str] = PRIZE) -> str:
    """Return the study as commented YAML; `columns` are those of the file of questions."""
    return f"""\
# A study of your own. Run it with: snakemake --cores all --configfile {study}.yaml
# Every key there is: config.yaml and docs/configuration.md. Unknown keys are errors.

study: {study} # results go to results/{study}/

{SUITES[suite]}
tasks: # a task: its name and where its questions are; of known tasks the name alone (snakemake known_tasks)
{_task(questions, columns)}

protocol: harness # how questions are asked: harness or paper, see docs/protocols.md

scoring:
  dtype: float32
  device: auto # a GPU where there is one
"""


def _task(questions: str, columns: Sequence[str]) -> str:
    """Return the task's lines: what the file's columns are, and the record that follows from them."""
    name, file = task_name(questions), json.dumps(questions, ensure_ascii=False)
    if not columns:
        said = "the loss on a running text, in bits per byte; with statistics: {axis: loss} others are drawn against it"
        return f"  # {said}\n  - {{name: {name}, text: {{file: {file}}}}}"
    if set(PRIZE) <= set(columns):
        said = "prompt (the text before the choices), classes (the choices, a JSON list), answer_index (from 0)"
        return f"  # columns of the file: {said}\n  - {{name: {name}, file: {file}}}"
    shown = f"  # columns of the file: {', '.join(' '.join(column.split()) for column in columns)}\n"
    if layouts := fitting_layouts(columns):
        return f"{shown}  - {{name: {name}, file: {file}, layout: {layouts[0]}}} # layouts: docs/tasks.md"
    how = (
        "  # say how a row becomes a question, in templates over these columns (docs/tasks.md), for instance:\n"
        '  # context: "Question: {{question}}\\nAnswer:", choices: "{{[right, wrong]}}", answer: 0, delimiter: " "\n'
    )
    return f"{shown}{how}  - {{name: {name}, file: {file}}}"


def task_name(questions: str) -> str:
    """Return a task's name after its file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(questions).stem).strip("_-") or "questions"


def _told(config: str, questions: str, suite: str, own: bool) -> str:
    lines = [f"{config}, about {questions}" + ("" if own else " (an example: put your questions in its place)")]
    given = f"--cores all --configfile {config}"
    after = " (once `make demo` has trained the suite)" if suite == "demo" else ""
    lines += [f"  snakemake check {given}", f"  snakemake plan {given}", f"  snakemake {given}{after}"]
    return "\n".join(lines)
