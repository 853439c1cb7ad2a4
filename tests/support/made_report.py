"""A small study and its page, for tests of the report."""

from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.regression import write_regression
from trajectories.analysis.table1 import write_table1
from trajectories.figures.accuracy import draw_accuracy
from trajectories.figures.shown import TaskLabel
from trajectories.report.page import Head, write_report
from trajectories.report.provenance import Provenance
from trajectories.tables import write_table

NASTY = '</script><script>document.title="owned"</script><b>bold</b> & "quoted"'
"""A task's label as an attacker, or somebody fond of comparisons, would write it."""

MODELS = {"tiny": 1_000, "small": 30_000, "large": 900_000}
LABELS = (TaskLabel("memo", "accuracy", NASTY, chance=0.5), TaskLabel("truth", "mc1", "Truthful QA"))


def made_accuracy() -> pd.DataFrame:
    """Three models, five steps, two tasks: `memo` falls and has a second metric, `truth` rises."""
    noise = np.random.default_rng(7)
    rows = []
    for size, (model, parameters) in enumerate(MODELS.items()):
        for place, step in enumerate((0, 1, 10, 100, 1000)):
            for task, metric, value in (
                ("memo", "accuracy", 0.9 - 0.05 * place * (size + 1)),
                ("memo", "accuracy_norm", 0.5),
                ("truth", "mc1", 0.2 + 0.1 * place),
            ):
                value = float(np.clip(value + noise.normal(0, 0.01), 0, 1))
                rows.append((model, parameters, step, step * 1000, task, metric, value, 0.02, 50))
    columns = ["model", "parameters", "step", "tokens", "task", "metric", "value", "stderr", "questions"]
    return pd.DataFrame(rows, columns=columns)


def made_checkpoints(accuracy: pd.DataFrame) -> pd.DataFrame:
    table = accuracy.drop_duplicates(["model", "step"])[["model", "parameters", "step", "tokens"]].copy()
    for column in ("source", "revision", "commit", "format", "files", "sizes", "detail", "shared"):
        table[column] = "x"
    status = np.where((table["model"] == "small") & (table["step"] == 10), "duplicate-of-step1000", "ok")
    return table.assign(bytes=1, status=status, used="true")


def made_tables(folder: Path) -> dict[str, Path]:
    """Write what a small study has by the time of its report."""
    kinds = ("accuracy", "checkpoints", "regression", "table1")
    paths = {kind: folder / f"{kind}.tsv" for kind in kinds}
    accuracy = made_accuracy()
    write_table(accuracy, paths["accuracy"], "accuracy")
    write_table(made_checkpoints(accuracy), paths["checkpoints"], "checkpoints")
    positive = accuracy[accuracy["tokens"] > 0]
    write_table(positive, folder / "positive.tsv", "accuracy")
    write_regression(folder / "positive.tsv", paths["regression"], {"memo": "accuracy", "truth": "mc1"})
    write_table1(paths["regression"], paths["table1"], folder / "table1.md", {})
    return paths


def made_report_along_the_loss(folder: Path) -> Path:
    """Write the page of the same study with a running text, whose loss is the axis."""
    accuracy = made_accuracy()
    text = accuracy[accuracy["metric"] == "mc1"].assign(task="held", metric="bits_per_byte")
    text = text.assign(value=4.0 - 3 * text["value"])
    write_table(pd.concat([accuracy, text]), folder / "accuracy.tsv", "accuracy")
    labels = (*LABELS, TaskLabel("held", "bits_per_byte", "Held-out Text"))
    head = Head("Along the loss", "harness protocol", axis="loss", text="held")
    write_report(
        folder / "loss.html",
        head,
        labels,
        {"accuracy": folder / "accuracy.tsv"},
        {},
        Provenance({}, "", pd.DataFrame()),
    )
    return folder / "loss.html"


def made_report(tables: dict[str, Path], folder: Path) -> Path:
    """Write the whole page of a small study with two sources, and return its path."""
    figure = [folder / f"accuracy.{kind}" for kind in ("pdf", "svg", "png")]
    draw_accuracy(tables["accuracy"], LABELS, figure)
    facts = {"Protocol": [("protocol", "harness"), ("note", NASTY)]}
    provenance = Provenance(
        facts, f"study: {NASTY}\n", pd.DataFrame({"stage": ["score"], "jobs": [3], "seconds": [7.5]})
    )
    head = Head(f"Study {NASTY}", "harness protocol")
    other = {"paper (published)": tables["accuracy"]}
    write_report(folder / "report.html", head, LABELS, tables, {"accuracy": figure}, provenance, other)
    return folder / "report.html"
