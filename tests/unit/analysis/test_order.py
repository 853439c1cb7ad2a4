"""The rule that finds checkpoints out of order: on simulated paths, where what is wrong is known."""

from collections.abc import Callable

import numpy as np
import pytest

from support.paths import Values, distances_of, simulated_path
from trajectories.analysis.order import FEWEST, fitting_place, strays, usual_gap

Fault = Callable[[Values, np.random.Generator], tuple[Values, set[int]]]


def swapped(values: Values, random: np.random.Generator) -> tuple[Values, set[int]]:
    one, other = sorted(map(int, random.choice(len(values), 2, replace=False)))
    order = np.arange(len(values))
    order[[one, other]] = order[[other, one]]
    return values[order], {one, other}


def repeated(values: Values, random: np.random.Generator) -> tuple[Values, set[int]]:
    wrong, right = map(int, random.choice(len(values), 2, replace=False))
    changed = values.copy()
    changed[wrong] = values[right]
    return changed, {wrong}


def late_under_early_name(values: Values, random: np.random.Generator) -> tuple[Values, set[int]]:
    """A checkpoint that is not in the study, from between the last two."""
    wrong = int(random.integers(0, len(values) // 2))
    changed = values.copy()
    changed[wrong] = (values[-1] + values[-2]) / 2
    return changed, {wrong}


def mixed(values: Values, random: np.random.Generator) -> tuple[Values, set[int]]:
    """A checkpoint off the path by twice the gap to its neighbours."""
    wrong = int(random.integers(1, len(values) - 1))
    gap = max(np.sqrt(((values[wrong] - values[wrong + side]) ** 2).mean()) for side in (-1, 1))
    changed = values.copy()
    changed[wrong] += (
        2 * max(gap, usual_gap(distances_of(values), range(len(values)))) * random.standard_normal(values.shape[1])
    )
    return changed, {wrong}


@pytest.mark.parametrize("fault", [swapped, repeated, late_under_early_name, mixed])
@pytest.mark.parametrize("count", [8, 11])
def test_planted_faults_are_found(fault: Fault, count: int) -> None:
    random = np.random.default_rng(count)
    found = []
    for _ in range(40):
        right = simulated_path(random, count, noise=0.1)
        values, wrong = fault(right, random)
        moved = np.sqrt(((values - right)[sorted(wrong)] ** 2).mean(axis=1)).min()
        if moved >= usual_gap(distances_of(right), range(count)):  # less is within what a step more or less does
            found.append(wrong <= strays(distances_of(values)).places)
    assert len(found) > 20
    assert np.mean(found) >= 0.9  # the rates of many more are in docs/checkpoints.md


@pytest.mark.parametrize(
    ("kind", "count"), [("path", 8), ("plateau", 8), ("flat", 8), ("path", 11), ("plateau", 11), ("plateau", 24)]
)
def test_honest_checkpoints_are_left_alone(kind: str, count: int) -> None:
    random = np.random.default_rng(count)
    flagged = 0
    for _ in range(30):
        values = simulated_path(random, count, kind, noise=float(random.choice([0.02, 0.1, 0.3, 1.0])))
        flagged += len(strays(distances_of(values)).places)
    assert flagged <= 0.01 * 30 * count


def line(*places: float) -> np.ndarray:
    """Return distances of points on a line."""
    at = np.array(places, dtype=float)
    return np.abs(at[:, None] - at[None, :])


def test_points_on_a_line_say_who_is_wrong() -> None:
    assert strays(line(0, 1, 2, 3, 4, 5, 6, 7)).places == frozenset()
    assert strays(line(0, 1, 6.5, 3, 4, 5, 6, 7)).places == {2}
    assert strays(line(0, 5, 2, 3, 4, 1, 6, 7)).places == {1, 5}
    assert strays(line(0, 1, 3, 2, 4, 5, 6, 7)).places == {2, 3}
    nearby = strays(line(0, 1, 2, 2, 4, 5, 6, 7))
    assert nearby.places == {2, 3}  # which of two equal neighbours is the copy, none can say
    assert nearby.copies == {(2, 3)}
    assert strays(line(0, 1, 6, 3, 4, 5, 6, 7)).places == {2}  # this copy is where it cannot be


def test_no_update_between_the_first_two_is_no_copy() -> None:
    equal = line(0, 0, 1, 2, 3, 4, 5, 6)
    assert strays(equal).places == {0, 1}
    assert strays(equal, no_update_yet=True).places == frozenset()


def test_too_few_and_too_wild_say_nothing() -> None:
    assert strays(line(*[3, 1, 2, 0][: FEWEST - 1])).places == frozenset()
    wild = strays(distances_of(np.random.default_rng(1).standard_normal((12, 2))))
    assert wild.places == frozenset()
    assert wild.lost
    assert wild.contradiction > 1


def test_where_a_stray_fits() -> None:
    apart = line(0, 1, 5.5, 3, 4, 5, 6, 7)
    sound = [0, 1, 3, 4, 5, 6, 7]
    assert fitting_place(apart, 2, sound) == 5
    off = apart.copy()
    off[2, sound] = off[sound, 2] = 20 + apart[2, sound] / 10
    assert fitting_place(off, 2, sound) is None
    assert 2 in strays(off).places


def beside(*offs: tuple[int, float]) -> Values:
    """Return a walk whose steps are at right angles and 1 long; some checkpoints lie beside it, by so much."""
    run = np.hstack([np.tri(9), np.zeros((9, 9))])
    for place, off in offs:
        run[place, 9 + place] = off
    return run


@pytest.mark.parametrize(("off", "found"), [(0.0, set()), (0.3, set()), (0.6, {4}), (1.0, {4}), (2.0, {4})])
def test_a_checkpoint_beside_its_path(off: float, found: set[int]) -> None:
    assert strays(distances_of(beside((4, off)))).places == found


def test_a_faint_turn_counts_only_where_the_rest_is_quiet() -> None:
    others = [(place, 0.35) for place in range(9) if place != 4]
    assert strays(distances_of(beside((4, 0.6), *others))).places == set()


def test_two_early_checkpoints_that_hardly_differ_are_seen_to_be_exchanged() -> None:
    early = line(0, 0.01, 0.03, 0.1, 1, 2, 3, 4, 5)
    assert strays(early).places == set()
    order = [0, 2, 1, *range(3, 9)]
    assert strays(early[np.ix_(order, order)]).places == {1, 2}


LOSSES = np.array([5.0, 4.4, 3.9, 3.5, 3.2, 3.0, 2.9, 2.85])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, set()),
        ({7: 3.1}, {7}),  # the last one, whose scores have a neighbour on one side only
        ({3: 4.6}, {3}),
        ({0: 3.6}, {0}),
        ({6: 2.8}, set()),  # a rise that is small beside the usual fall
        ({5: 3.3, 7: 3.05}, set()),  # a loss that rises more than once says nothing of one checkpoint
        ({0: 2.0, 1: 2.2, 2: 2.4, 3: 2.6, 4: 2.7}, set()),  # nor does one that rises all the time
    ],
)
def test_a_loss_that_rises_at_one_checkpoint(changes: dict[int, float], found: set[int]) -> None:
    losses = LOSSES.copy()
    for place, loss in changes.items():
        losses[place] = loss
    told = strays(line(*range(8)), losses)
    assert (told.places, told.in_loss) == (found, found)


def test_equal_first_checkpoints_have_no_direction() -> None:
    run = np.vstack([beside()[:1], beside()])
    assert strays(distances_of(run), no_update_yet=True).places == set()


def test_the_unit_does_not_matter() -> None:
    apart = line(0, 1, 6.5, 3, 4, 5, 6, 7)
    assert strays(apart * 1e-3).places == strays(apart * 1e3).places == {2}


def test_equal_checkpoints_only_end_well() -> None:
    assert strays(np.zeros((8, 8))).places == frozenset()
