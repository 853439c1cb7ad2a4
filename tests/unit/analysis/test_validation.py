"""The frame of the simulated tables: they go to their places in a page, and nothing else of it changes."""

import pytest

from trajectories.analysis.validation.frame import Table, filled, percent
from trajectories.analysis.validation.sizes import ALTERNATIVES, NULLS, rejections
from trajectories.analysis.verdicts import RULE
from trajectories.errors import UserError

TABLE = Table("rates", ("test", "rejects"), lambda runs, seed: [["t", f"{runs}"], ["F", f"{seed}"]])
PAGE = "# Page\n\n<!-- table rates -->\nold\n<!-- end rates -->\n\nAfter.\n"


def test_a_table_is_written_into_its_place_and_repeats() -> None:
    made = filled(PAGE, [TABLE], 7, 3)
    assert made == (
        "# Page\n\n<!-- table rates -->\n\n| test | rejects |\n| --- | --- |\n| t | 7 |\n| F | 3 |\n\n"
        "<!-- end rates -->\n\nAfter.\n"
    )
    assert filled(made, [TABLE], 7, 3) == made


def test_a_page_without_the_place_is_an_error() -> None:
    with pytest.raises(UserError, match="rates"):
        filled("# Page\n", [TABLE], 1, 1)


def test_percent() -> None:
    assert (percent([True, False, False, False]), percent([])) == ("25.0", "")


def test_the_tests_between_sizes_hold_their_level_where_tables_test_does_not() -> None:
    """A small version of the page's table: levels and slopes of sizes' own, noise of neighbours correlated by 0.5."""
    found = rejections(NULLS[3], 60, 7)
    assert found["paper"].mean() > 0.15
    for test in RULE:
        assert found[test].mean() < 0.1, test
    assert found["rule"].shape == (30, 3)
    assert ALTERNATIVES[0].points()["size"].nunique() == 8
