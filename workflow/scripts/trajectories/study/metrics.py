"""The metrics: for each its range, which way is better, what it needs of a question, and how questions become a value.

`docs/metrics.md` gives the formulas. A metric of a task is `of_mean(Σ weight · x / Σ weight)` over its questions, where
`x` is the question's value on the scale on which it is averaged (`analysis/question_metrics.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Metric = Literal[
    "accuracy", "accuracy_norm", "accuracy_bytes", "accuracy_tokens", "accuracy_pmi", "accuracy_balanced", "mc1", "mc2",
    "greedy", "answered", "loss", "sequence_loss", "margin", "logodds", "absolute_logodds", "perplexity",
    "word_perplexity", "bits_per_byte",
]  # fmt: skip
"""What may stand for a task. `ties` is computed beside them and stands for none."""

Need = Literal["two choices", "unconditional", "two prompts", "question", "running text", "any", "written"]
"""`unconditional`: two choices, each scored after nothing too; `two prompts`: the same two choices, one true, after
one context and after another; `question`: no running text, one choice is enough; `written`: two choices, one of which
the model writes."""


@dataclass(frozen=True)
class MetricRecord:
    """One metric. `weight` names what a question weighs (missing: all the same); `geometric`: the mean is of logs."""

    name: str
    label: str  # on axes
    low: float
    high: float
    higher_is_better: bool
    needs: Need
    harness: str = ""  # what the evaluation harness calls it
    weight: Literal["bytes", "words"] | None = None
    geometric: bool = False

    @property
    def is_share(self) -> bool:
        """Whether its values are shares, from 0 to 1."""
        return self.high == 1.0

    def of_mean(self, mean: float) -> float:
        """Return the task's value from the mean over its questions."""
        if not self.geometric:
            return mean
        return math.exp(mean) if mean < math.log(1e300) else math.inf


def _share(name: str, needs: Need, harness: str = "", label: str = "Accuracy") -> MetricRecord:
    return MetricRecord(name, label, 0.0, 1.0, True, needs, harness)


def _cost(name: str, label: str, low: float, needs: Need, harness: str = "") -> MetricRecord:
    return MetricRecord(name, label, low, math.inf, False, needs, harness)


METRICS: Mapping[str, MetricRecord] = {
    record.name: record
    for record in (
        _share("accuracy", "two choices", "acc"),
        _share("accuracy_norm", "two choices", "acc_norm"),
        _share("accuracy_bytes", "two choices", "acc_bytes"),
        _share("accuracy_tokens", "two choices"),
        _share("accuracy_pmi", "unconditional", "acc_mutual_info"),
        _share("accuracy_balanced", "two choices", "", "Balanced accuracy"),
        _share("mc1", "two choices", "acc"),
        _share("mc2", "two choices", "acc"),
        _share("greedy", "question", "acc", "Share said greedily"),
        _share("answered", "written", label="Share answered"),
        _cost("loss", "Loss (nats)", 0.0, "two choices"),
        _cost("sequence_loss", "Sequence loss (nats)", 0.0, "question"),
        MetricRecord("margin", "Margin (nats)", -math.inf, math.inf, True, "two choices"),
        _cost("logodds", "Difference of log odds", -math.inf, "two prompts"),
        _cost("absolute_logodds", "Absolute difference of log odds", 0.0, "two prompts"),
        MetricRecord("perplexity", "Perplexity", 1.0, math.inf, False, "question", "perplexity", geometric=True),
        MetricRecord(
            "word_perplexity", "Perplexity per word", 1.0, math.inf, False, "running text", "word_perplexity",
            weight="words", geometric=True,
        ),
        MetricRecord(
            "bits_per_byte", "Bits per byte", 0.0, math.inf, False, "any", "bits_per_byte", weight="bytes",
        ),
        MetricRecord("ties", "Share of ties", 0.0, 1.0, False, "two choices"),
    )
}  # fmt: skip


BITS = "bits_per_byte"
"""The loss on a running text, whatever the tokenizer."""

OF_TEXTS = (BITS, "word_perplexity")
"""Metrics that say how well a text is predicted."""

IMPORTED: Mapping[str, MetricRecord] = {
    record.name: record
    for record in (
        _share("exact_match", "any", "exact_match", "Exact match"),
        _share("f1", "any", "f1", "F1"),
        _cost("byte_perplexity", "Perplexity per byte", 1.0, "any", "byte_perplexity"),
    )
}
"""Metrics that are never computed here and come in with results made elsewhere."""

GENERATED: Mapping[str, MetricRecord] = {
    record.name: record
    for record in (
        _share("acc", "any", "acc"),
        _share("em", "any", "em", "Exact match"),
        _share("contains", "any", "contains", "Share that holds the answer"),
    )
}
"""Further shares that the evaluation harness makes of written texts; what else it makes of them has no bounds here."""

LESS_IS_BETTER = "↓"
"""Ends the name of any other metric of which less is better and that is not computed here, so that tables say which way
it goes."""


def record_of(metric: str) -> MetricRecord:
    """Return a metric's record; for a name that only an import or the harness knows, one without bounds."""
    name, _, filtered = metric.partition(",")
    known = METRICS.get(name) or IMPORTED.get(name) or GENERATED.get(name)
    if known is not None:
        return replace(known, name=metric, label=f"{known.label}, {filtered}") if filtered else known
    return MetricRecord(metric, metric, -math.inf, math.inf, not metric.endswith(LESS_IS_BETTER), "any")


def is_known(metric: str) -> bool:
    """Tell whether a metric has a record of its own, with whatever filter of the harness's."""
    return any(metric.partition(",")[0] in records for records in (METRICS, IMPORTED, GENERATED))


def filtered_name(metric: str, filtered: str) -> str:
    """Return what the harness's metric of texts behind a filter is called here; `none` is no filter."""
    return metric if filtered == "none" else f"{metric},{filtered}"


def sign_of(metric: str) -> float:
    """Return 1, or -1 for a metric of which less is better."""
    return 1.0 if record_of(metric).higher_is_better else -1.0


def label_of(metric: str) -> str:
    """Return how axes call a metric."""
    return record_of(metric).label
