"""Accuracy tables for tests: the published one, and grids made from a formula."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

TOKENS_PER_STEP = 2_097_152
PARAMETERS = {
    "pythia-70m": 70_000_000, "pythia-160m": 160_000_000, "pythia-410m": 410_000_000, "pythia-1b": 1_000_000_000,
    "pythia-1.4b": 1_400_000_000, "pythia-2.8b": 2_800_000_000, "pythia-6.9b": 6_900_000_000,
    "pythia-12b": 12_000_000_000,
}  # fmt: skip
STEPS = (2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000)
LABELS = {
    "isp_hindsight_neglect": "Hindsight Neglect", "isp_into_the_unknown": "Into the Unknown",
    "isp_memo_trap": "Memo Trap", "isp_modus_tollens": "Modus Tollens", "isp_neqa": "NeQA",
    "isp_pattern_matching_suppression": "Pattern Match Suppression", "isp_redefine": "Redefine",
    "isp_repetitive_algebra": "Repetitive Algebra", "isp_resisting_correction": "Resisting Correction",
    "isp_sig_figs": "Sig Figs", "truthfulqa_mc1": "TruthfulQA-MC1", "truthfulqa_mc2": "TruthfulQA-MC2",
}  # fmt: skip
METRICS = dict.fromkeys(LABELS, "accuracy")


def published(folder: Path) -> pd.DataFrame:
    """Return the published accuracies as an accuracy table, all under the metric `accuracy`."""
    raw = pd.read_csv(folder / "published" / "accuracy.tsv", sep="\t")
    model = raw["ModelName"].str.removeprefix("EleutherAI/")
    step = raw["ModelRevision"].str.removeprefix("step").astype(int)
    return pd.DataFrame(
        {
            "model": model,
            "parameters": model.map(PARAMETERS),
            "step": step,
            "tokens": step * TOKENS_PER_STEP,
            "task": raw["Task"],
            "metric": "accuracy",
            "value": raw["Accuracy"],
            "stderr": raw["Accuracy_SE"],
            "questions": np.nan,
        }
    )


def grid(
    value: Callable[[np.ndarray, np.ndarray], np.ndarray],
    task: str = "t",
    models: int = 8,
    steps: tuple[int, ...] = STEPS,
    stderr: float = 0.01,
) -> pd.DataFrame:
    """Return an accuracy table of the first `models` sizes, with value(log10 parameters, log10 tokens)."""
    sizes = list(PARAMETERS.items())[:models]
    rows = [(name, size, step, step * TOKENS_PER_STEP) for name, size in sizes for step in steps]
    table = pd.DataFrame(rows, columns=["model", "parameters", "step", "tokens"])
    logs = np.log10(table["parameters"].to_numpy(float)), np.log10(np.maximum(table["tokens"].to_numpy(float), 1))
    return table.assign(task=task, metric="accuracy", value=value(*logs), stderr=stderr, questions=1000)
