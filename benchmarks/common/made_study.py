"""A study with made-up scores, to see what the stages after scoring cost.

It has the paper's tasks with their numbers of questions and choices, and right answers that come and go with a slow
curve per model. Of more than eight models all have the scores of eight, under other names: a stage reads as much.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from trajectories.questions.listing import write_listing
from trajectories.questions.question import Question
from trajectories.questions.stored import write_questions
from trajectories.scoring.score_columns import COLUMNS, TYPES
from trajectories.scoring.scores import write_scores
from trajectories.study.config import Study
from trajectories.tables import COLUMNS as TABLES
from trajectories.tables import write_table

from .generated import PAPER

PROJECT = Path(__file__).resolve().parents[2]
DIFFERENT = 8  # models with scores of their own
Outlines = dict[str, tuple[int, int]]


class Made:
    """A folder with a made-up study: its config, checkpoints, questions and scores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = Study.from_config(yaml.safe_load((folder / "study.yaml").read_text()))

    @classmethod
    def write(cls, folder: Path, models: int, steps: int, most: int | None = None) -> "Made":
        """Make the study of the first `models` of `studies/everything.yaml`, `steps` checkpoints of each.

        Tasks have at most `most` questions.
        """
        config = yaml.safe_load((PROJECT / "studies" / "everything.yaml").read_text())
        wanted = config["models"][:models]
        every = Study.from_config(config | {"models": wanted}).steps
        kept = [every[place] for place in np.linspace(0, len(every) - 1, steps).astype(int)]
        folder.mkdir(parents=True)
        (folder / "study.yaml").write_text(yaml.safe_dump(config | {"models": wanted, "steps": kept}))
        made = cls(folder)
        _write_checkpoints(made)
        outlines = _outlines(made, most)
        _write_questions(made, outlines)
        _write_scores(made, outlines)
        return made

    def table(self, kind: str) -> Path:
        """Where a table lies."""
        return self.folder / f"{kind}.tsv"

    @property
    def checkpoints(self) -> list[tuple[str, int]]:
        """Every model and step."""
        return [(model.name, step) for model in self.study.models for step in self.study.steps_of(model)]

    @property
    def scores(self) -> list[Path]:
        """The scores file of every checkpoint."""
        return [self.folder / "scores" / model / f"step{step}.parquet" for model, step in self.checkpoints]

    @property
    def questions(self) -> list[Path]:
        """The questions file of every task."""
        return [self.folder / "questions" / f"{task.name}.parquet" for task in self.study.tasks]

    @property
    def metrics(self) -> dict[str, str]:
        """The metric of every task."""
        return {task.name: self.study.metric_of(task) for task in self.study.tasks}


def _outlines(made: Made, most: int | None) -> Outlines:
    """Return questions and choices of each task, as in the paper."""
    known = {outline.name: (min(outline.questions, most or outline.questions), outline.choices) for outline in PAPER}
    return {task.name: next(known[name] for name in known if name[:12] in task.name) for task in made.study.tasks}


def _write_checkpoints(made: Made) -> None:
    blank = dict.fromkeys(TABLES["checkpoints"], "x") | {"bytes": 1, "files": "{}", "sizes": "{}", "status": "ok"}
    rows = [
        blank | {"model": model.name, "parameters": model.parameters, "step": step, "used": True,
                 "tokens": step * 2_097_152, "commit": f"{model.name}-{step}"}
        for model in made.study.models for step in made.study.steps_of(model)
    ]  # fmt: skip
    write_table(pd.DataFrame(rows), made.table("checkpoints"), "checkpoints")


def _write_questions(made: Made, outlines: Outlines) -> None:
    (made.folder / "questions").mkdir()
    for (task, (count, choices)), path in zip(outlines.items(), made.questions, strict=True):
        texts = tuple(f" choice {k}" for k in range(choices))
        labels = (1,) + (0,) * (choices - 1)
        write_questions([Question(f"{task} {k}: what is it?", texts, labels) for k in range(count)], path, {})
    write_listing(
        tasks=[task.canonical() for task in made.study.tasks], averages=[], metrics=list(made.metrics.values()),
        questions=made.questions, output=made.table("tasks"),
    )  # fmt: skip


def _write_scores(made: Made, outlines: Outlines) -> None:
    """Write scores of the first models; the others' files are second names of theirs."""
    blocks = []
    for task, (count, choices) in outlines.items():
        question, choice = np.divmod(np.arange(count * choices), choices)
        blocks.append(pd.DataFrame({"task": task, "question": question, "choice": choice}))
    rows = pd.concat(blocks, ignore_index=True)
    rows = rows.assign(
        label=(rows["choice"] == 0).astype(int), tokens=2, characters=9, bytes=9, words=2, is_greedy=False,
        unconditional=-9.0, running=False,
    )  # fmt: skip
    first = {model.name: made.study.models[place % DIFFERENT].name for place, model in enumerate(made.study.models)}
    easy = np.random.default_rng(0).normal(-6, 1, len(rows))
    for (model, step), path in zip(made.checkpoints, made.scores, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        if first[model] != model:
            os.link(made.folder / "scores" / first[model] / path.name, path)
            continue
        draw = np.random.default_rng([step, *model.encode()])
        lift = 0.3 * np.sin(np.log10(step + 1) + len(model)) * rows["label"]
        scores = rows.assign(loglikelihood=easy + lift + draw.normal(0, 0.5, len(rows)))
        write_scores(scores[list(COLUMNS)].astype(TYPES | {"task": object}), path, {"entries": [f"{model} {step}"]})
