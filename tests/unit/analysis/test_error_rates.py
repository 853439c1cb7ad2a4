"""A small version of the tables of docs/shapes.md: what is promised there holds on a hundred simulated runs each."""

from pathlib import Path

import numpy as np
import pytest

from trajectories.analysis.validation import shapes
from trajectories.analysis.validation.frame import filled
from trajectories.analysis.validation.noise import NULLS, STEPS
from trajectories.analysis.validation.trajectories import (
    CANDIDATES,
    TABLES,
    TESTS,
    drops,
    false_alarms,
    powers,
)

RUNS = 96
MOST = 7 + 100 * 2.5 * np.sqrt(0.07 * 0.93 / RUNS)
"""Percent: what is promised, and two and a half standard errors of a simulation of this size."""


@pytest.mark.parametrize("steps", list(STEPS))
def test_no_test_finds_more_in_noise_than_is_promised(steps: str) -> None:
    for name, noise, study, _, *rates in false_alarms(RUNS, 3, (steps,)):
        if noise in ("white", "0.5", "0.8"):
            found = dict(zip(TESTS, map(float, rates), strict=True))
            assert max(found.values()) <= MOST, (name, noise, study, found)


def test_tests_without_the_dependence_do() -> None:
    noise = NULLS["0.8"](RUNS, STEPS["143"], np.random.default_rng(1))
    assert np.mean(CANDIDATES["Mann-Kendall"](noise, STEPS["143"]) < 0.05) > 0.3


def test_effects_are_found_by_studies_of_many_trajectories() -> None:
    for row in powers(RUNS, 3, ("26",)):
        if row[2] == "96" and row[1] == "white":
            assert min(map(float, row[3:])) > 70, row


def test_drops_hold_whatever_part_of_the_noise_questions_are() -> None:
    for row in drops(RUNS, 3, ("8",)):
        assert float(row[4]) <= MOST, row
        assert float(row[5]) > 30, row


def test_the_page_has_a_place_for_every_table(project: Path) -> None:
    page = (project / "docs" / "shapes.md").read_text(encoding="utf-8")
    for table in (*TABLES, *shapes.TABLES):
        assert f"<!-- table {table.name} -->" in page
    assert filled(page, [], 1, 1) == page
