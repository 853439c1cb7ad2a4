"""The frame of the simulated tables: they go to their places in a page, and nothing else of it changes."""

import pytest

from trajectories.analysis.validation.frame import Table, filled, percent
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
