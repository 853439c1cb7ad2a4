"""`snakemake new`: a commented study of the reader's own question, to be changed at will."""

import json
import logging
import re
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import write_text
from trajectories.study.strict import suggestion

logger = logging.getLogger(__name__)

EXAMPLE = """prompt,classes,answer_index
The opposite of hot is,"["" cold"", "" warm""]",0
The opposite of small is,"["" tiny"", "" large""]",1
The opposite of early is,"["" late"", "" soon""]",0
The opposite of weak is,"["" faint"", "" strong""]",1
"""
"""Questions for a reader who has none yet: text before the choices, the choices as a JSON list, the right one."""

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
    write_text(config, study_text(study, questions, suite))
    logger.info("note: wrote %s", _told(config.name, questions, suite, bool(file)))
    return config


def study_text(study: str, questions: str, suite: str) -> str:
    """Return the study as commented YAML."""
    return f"""\
# A study of your own. Run it with: snakemake --cores all --configfile {study}.yaml
# Every key there is: config.yaml and docs/configuration.md. Unknown keys are errors.

study: {study} # results go to results/{study}/

{SUITES[suite]}
tasks: # a task: its name and where its questions are; of known tasks the name alone (snakemake known_tasks)
  # columns of the file: prompt (the text before the choices), classes (the choices, a JSON list), answer_index (from 0)
  - {{name: {task_name(questions)}, file: {json.dumps(questions)}}}

protocol: harness # how questions are asked: harness or paper, see docs/protocols.md

scoring:
  dtype: float32
  device: auto # a GPU where there is one
"""


def task_name(questions: str) -> str:
    """Return a task's name after its file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(questions).stem).strip("_-") or "questions"


def _told(config: str, questions: str, suite: str, own: bool) -> str:
    lines = [f"{config}, about {questions}" + ("" if own else " (an example: put your questions in its place)")]
    given = f"--cores all --configfile {config}"
    after = " (once `make demo` has trained the suite)" if suite == "demo" else ""
    lines += [f"  snakemake check {given}", f"  snakemake plan {given}", f"  snakemake {given}{after}"]
    return "\n".join(lines)
