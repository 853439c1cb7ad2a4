"""Do checkpoints lie in the order of their steps? The rule that finds the ones that do not, from distances alone.

Along one training run, checkpoints lie along a path: of three in order, the outer two are farthest apart, and the way
does not turn back at the middle one, in most tasks. Three that contradict this name a suspect;
the smallest set of checkpoints without which no three contradict it, or the two whose exchange settles it, are the
strays. What this finds and what it cannot is measured by `benchmarks/order.py` (`docs/checkpoints.md`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from trajectories.analysis.order_signs import faint_signs, out_of_line, turns
from trajectories.analysis.score_vectors import Matrix

Places = tuple[int, ...]

FEWEST = 5  # checkpoints; with four, taking one away leaves nothing that could be in or out of order
NEAR = (
    7  # checkpoints: three that lie farther apart than this are not compared, so that the work grows with their number
)
LONGER = 0.36  # by this share may an inner distance exceed the outer one
TURN = 0.2  # so far back may the way turn: minus the cosine between its two steps …
OFF = 0.55  # … where it turns by at least this share of the usual gap; less is noise
COPY = 0.004  # of the smallest gap beside two checkpoints: nearer ones are the same weights
GAIN = 1.6  # by so much must the largest contradiction fall, in nats, before checkpoints are called strays …
GAIN_OF_EXCHANGE = 1.2  # … and by so much where exchanging two explains it and nothing is left out
CLEAR = 1.3  # contradictions this large may be explained by two checkpoints, and judged by the share that remains
CLOSE = 1.1  # an exchange may not take either of the two so much farther from the nearer of its neighbours
ALIKE = 0.15  # explanations that differ by less are equally good
MOST = 4  # one in so many checkpoints at most may be strays; more have no order that could be told
MOST_TRIED = 12  # checkpoints whose exchanges are tried in pairs
BEAM = 24  # explanations that are followed up
_CERTAIN = 3.0  # how badly a copy contradicts


@dataclass(frozen=True)
class Strays:
    """What the rule found: places (0 is the first step) of strays; which pairs are copies; how bad it was.

    `contradiction` is the largest one as a share of what is allowed: above 1 something is wrong. `lost` says that no
    small set explains it, so nothing is known of any single checkpoint. `in_loss` are those found by their loss alone.
    """

    places: frozenset[int]
    copies: frozenset[tuple[int, int]]
    contradiction: float
    lost: bool = False
    in_loss: frozenset[int] = frozenset()


def strays(distances: Matrix, losses: Matrix | None = None, no_update_yet: bool = False) -> Strays:
    """Return the checkpoints that do not lie where their steps say.

    `distances` [T, T] are between the checkpoints of one model in the order of their steps, `losses` [T] their mean
    losses on running texts, where there are any. With `no_update_yet` the first two may be equal (steps 0 and 1 of some
    suites). Fewer than `FEWEST` checkpoints have no strays.
    """
    everyone = tuple(range(len(distances)))
    if len(everyone) < FEWEST:
        return Strays(frozenset(), frozenset(), 0.0)
    search = _Search(distances, frozenset({(0, 1)}) if no_update_yet else frozenset())
    start = search.look(everyone)
    found = search.explain(start) if start.worst > 1 else frozenset()
    copies = frozenset(pair for pair in start.copies if found and found & set(pair))
    if found:
        return Strays(found, copies, start.worst)
    in_loss = frozenset() if losses is None else out_of_line(losses)
    faint = faint_signs(distances, usual_gap(distances, everyone)) if start.worst <= 1 else frozenset()
    return Strays(in_loss or faint, copies, start.worst, lost=found is None, in_loss=in_loss)


def usual_gap(distances: Matrix, places: Sequence[int]) -> float:
    """Return the median distance between neighbours, or an equal share of the whole extent where that is more."""
    kept = np.asarray(places)
    gaps = distances[kept[:-1], kept[1:]]
    extent = distances[np.ix_(kept, kept)].max()
    return float(max(np.median(gaps), extent / max(1, len(kept) - 1), np.finfo(float).tiny))


def fitting_place(distances: Matrix, place: int, sound: Sequence[int]) -> int | None:
    """Return how many sound checkpoints come before one that is not, where it contradicts them least.

    None where it contradicts them everywhere, or is farther from them there than any of them is from its neighbour: it
    is near nobody.
    """
    search = _Search(distances, frozenset())
    worst = [search.look((*sound[:rank], place, *sound[rank:])).worst for rank in range(len(sound) + 1)]
    best = int(np.argmin(worst))
    near = distances[place, [sound[at] for at in (best - 1, best) if 0 <= at < len(sound)]].min()
    widest = distances[np.asarray(sound[:-1]), np.asarray(sound[1:])].max()
    return best if worst[best] <= 1 and near <= widest else None


@dataclass(frozen=True)
class _View:
    """Contradictions among the checkpoints `kept`: who is in each, how large (share of what is allowed), in nats.

    `members` [contradictions, 3] are places within `kept`; a copy names its two, the first of them twice.
    """

    kept: Places
    members: np.ndarray
    sizes: Matrix
    nats: float
    copies: frozenset[tuple[int, int]]

    @property
    def worst(self) -> float:
        return float(self.sizes.max())

    def suspects(self) -> set[int]:
        """Return who takes part in the largest contradiction."""
        return {self.kept[place] for place in self.members[self.sizes.argmax()]}

    def contradicting(self) -> list[int]:
        """Return who takes part in most contradictions, `MOST_TRIED` at most."""
        places, counts = np.unique(self.members[self.sizes > 1], return_counts=True)
        most = places[np.argsort(-counts, kind="stable")][:MOST_TRIED]
        return sorted(self.kept[place] for place in most)


class _Search:
    """Looks for the smallest explanation of contradictions in one matrix."""

    def __init__(self, distances: Matrix, allowed_copies: frozenset[tuple[int, int]]) -> None:
        self.distances, self.allowed = distances, allowed_copies

    def explain(self, start: _View) -> frozenset[int] | None:
        """Return the strays, or None where no set that is small enough explains what was seen."""
        level, clear = [start], start.worst >= CLEAR or bool(start.copies)
        for size in range(1, max(1, len(self.distances) // MOST) + 1):
            if size > 1 and not clear:
                return None
            level = self._one_fewer(level)
            if good := [view for view in level if self._settles(view, start, size)]:
                found = self._all_as_good(good, start)
                if len(found) > 2 * size and start.worst < 2 and not start.copies:
                    return None  # any of three settles it: a single contradiction, and a weak one, is noise
                return found | self._exchange([(k, j) for k in found for j in start.kept if k != j], start)
            if size == 1 and clear and (pair := self._exchange(combinations(start.contradicting(), 2), start)):
                return pair
            level = level[:BEAM]
        return None

    def look(self, kept: Places, order: np.ndarray | None = None) -> _View:
        """Return the contradictions among some checkpoints, or among all in another order."""
        places = np.asarray(kept) if order is None else order
        d = self.distances[np.ix_(places, places)]
        members = _triples(len(kept))
        i, j, k = members[: 2 - len(kept)].T  # the last ones are neighbours, for turns
        floor = usual_gap(d, range(len(kept)))
        longer = np.maximum(d[i, j], d[j, k]) - d[i, k]
        back, angles = turns(d)
        copies = [(p, q) for p, q in _copies(d) if (kept[p], kept[q]) not in self.allowed]
        shares = longer / np.maximum(d[i, k], floor) / LONGER, np.minimum(angles / TURN, back / floor / OFF)
        if copies:
            members = np.concatenate([members, [(p, p, q) for p, q in copies]])
        return _View(
            kept,
            members,
            np.concatenate([*shares, np.full(len(copies), _CERTAIN)]),
            max(float(longer.max()) / LONGER, float((back * np.clip(angles / TURN, 0, 1)).max()) / OFF, 0.0),
            frozenset((kept[p], kept[q]) for p, q in copies),
        )

    def _one_fewer(self, level: Iterable[_View]) -> list[_View]:
        """Return every way to take one suspect more away, the best first."""
        sets = {
            tuple(place for place in view.kept if place != suspect) for view in level for suspect in view.suspects()
        }
        return sorted((self.look(kept) for kept in sets), key=lambda view: (view.worst, view.kept))

    def _settles(self, view: _View, start: _View, size: int) -> bool:
        in_nats = view.nats * (GAIN + 0.5 * (size - 1)) <= start.nats
        in_shares = size == 1 and start.worst >= CLEAR and view.worst * GAIN_OF_EXCHANGE <= start.worst
        return view.worst <= 1 and (bool(start.copies) or in_nats or in_shares)

    def _all_as_good(self, good: Sequence[_View], start: _View) -> frozenset[int]:
        """Return who is away in the best explanation and those as good; which of two copies is right, none can say."""
        best = good[0].worst
        alike = [view for view in good if start.copies or view.worst <= best + ALIKE]
        return frozenset(place for view in alike for place in set(start.kept) - set(view.kept))

    def _exchange(self, pairs: Iterable[tuple[int, int]], start: _View) -> frozenset[int]:
        """Return the two whose exchange leaves nothing to explain, or nobody."""
        best, chosen = 1.0, frozenset[int]()
        for one, other in pairs:
            order = np.arange(len(self.distances))
            order[[one, other]] = order[[other, one]]
            view = self.look(start.kept, order)
            gained = min(view.worst / start.worst, view.nats / start.nats) if start.nats else 1.0
            farther = any(self._near(order, place) > CLOSE * self._near(None, place) for place in (one, other))
            if view.worst <= best and gained * GAIN_OF_EXCHANGE <= 1 and not farther:
                best, chosen = view.worst, frozenset({one, other})
        return chosen

    def _near(self, order: np.ndarray | None, checkpoint: int) -> float:
        """Return a checkpoint's distance to the nearer of its neighbours, in an order of places or as they are."""
        every = np.arange(len(self.distances)) if order is None else order
        at = int(np.flatnonzero(every == checkpoint)[0])
        beside = [every[near] for near in (at - 1, at + 1) if 0 <= near < len(every)]
        return float(self.distances[checkpoint, beside].min())


@cache
def _triples(count: int) -> np.ndarray:
    """Return every i < j < k below `count` with k - i at most `NEAR`, then every three neighbours."""
    near = [(i, j, k) for i in range(count) for k in range(i + 2, min(count, i + NEAR + 1)) for j in range(i + 1, k)]
    return np.array([*near, *((i, i + 1, i + 2) for i in range(count - 2))], dtype=np.intp)


def _copies(d: Matrix) -> list[tuple[int, int]]:
    """Return pairs of checkpoints that are much nearer to each other than to what lies beside them."""
    gap = np.concatenate([[np.inf], np.diagonal(d, 1), [np.inf]])  # gap[p] lies before p, gap[p + 1] after it
    p, q = np.triu_indices(len(d), 1)
    outer = np.minimum(gap[p], gap[q + 1])
    beside = np.where(q > p + 1, np.minimum(outer, np.minimum(gap[p + 1], gap[q])), outer)
    near = d[p, q] < COPY * beside
    return list(zip(map(int, p[near]), map(int, q[near]), strict=True))
