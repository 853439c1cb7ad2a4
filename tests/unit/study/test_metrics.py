"""The registry of metrics, what the config allows, and the page that explains them say the same."""

import math
from pathlib import Path
from typing import get_args

import pytest

from trajectories.study.metrics import METRICS, Metric, sign_of


def test_the_config_allows_every_metric_but_ties() -> None:
    assert [*get_args(Metric), "ties"] == list(METRICS)


def documented(project: Path) -> dict[str, list[str]]:
    lines = (project / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[2:] for row in rows}


def test_the_page_on_metrics_says_what_the_registry_says(project: Path) -> None:
    def written(number: float) -> str:
        return {math.inf: "∞", -math.inf: "-∞"}.get(number) or f"{number:g}"

    expected = {
        name: [
            f"{written(record.low)} to {written(record.high)}",
            "higher" if record.higher_is_better else "lower",
            record.needs,
            f"`{record.harness}`" if record.harness else "–",
        ]
        for name, record in METRICS.items()
    }
    assert documented(project) == expected


@pytest.mark.parametrize(("metric", "sign"), [("accuracy", 1), ("loss", -1), ("bits_per_byte", -1), ("margin", 1)])
def test_the_better_side(metric: str, sign: float) -> None:
    assert sign_of(metric) == sign


def test_a_perplexity_without_bound_is_infinite() -> None:
    assert METRICS["perplexity"].of_mean(1e5) == math.inf
    assert METRICS["perplexity"].of_mean(math.log(3)) == pytest.approx(3)
