"""How requests are run without a tree: batches of like lengths, padded on the right, prefixes run once.

    root        what all requests share; its state is copied for every row
    contexts    what a few neighbours share beyond it (the choices of a question); run once, in batches of equal lengths
    endings     the rest of each request, padded on the right, where no state and no score comes from

Padding on the right alone cannot reach what stands before it in a causal model, so nothing is masked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from trajectories.scoring.prefix_tree import PrefixTree
from trajectories.scoring.requests import Longs

STEP = 2  # passes of one token cost about so much more, token by token, than a pass of many
LEAST_CONTEXT = 16  # tokens; a shorter context is cheaper run with each of its endings


Means = Literal["alone", "batches", "states", "steps"]


@dataclass(frozen=True)
class Group:
    """Neighbours `first … last - 1` that share their first `shared` input tokens; one request alone shares the root."""

    first: int
    last: int
    shared: int


@dataclass(frozen=True)
class Unit:
    """Groups of one shared length, run together: their contexts first, then the endings that continue them."""

    groups: Sequence[Group]
    shared: int

    @property
    def members(self) -> list[tuple[int, int]]:
        """The requests, with the row of the context each continues."""
        return [(k, row) for row, group in enumerate(self.groups) for k in range(group.first, group.last)]


def groups_of(tree: PrefixTree, means: Means) -> list[Group]:
    """Return neighbours that share a context worth running once, in order; without states every request is alone."""
    if means not in ("states", "steps"):
        return [Group(k, k + 1, 0) for k in range(len(tree.requests))]
    found = _neighbours(tree)
    if means == "states":
        return found
    return [part for group in found for part in ([group] if _from_nothing(group, tree.root) else _apart(group, tree))]


def _from_nothing(group: Group, root: int) -> bool:
    """Tell whether a context run whole costs less than going on from the root step by step with each request."""
    return group.shared < STEP * (group.shared - root) * (group.last - group.first)


def _apart(group: Group, tree: PrefixTree) -> list[Group]:
    return [Group(k, k + 1, tree.root) for k in range(group.first, group.last)]


def _neighbours(tree: PrefixTree) -> list[Group]:
    inputs = tree.requests.lengths - 1
    most = inputs - tree.requests.counted  # a shared token predicts none that counts
    groups: list[Group] = []
    for k in range(len(tree.requests)):
        last = groups[-1] if groups else None
        shared = 0 if last is None else int(min(_own(last, most), tree.shared[k], most[k]))
        if last is not None and shared - tree.root >= LEAST_CONTEXT and shared * 2 > _own(last, most):
            groups[-1] = Group(last.first, k + 1, shared)
        else:
            groups.append(Group(k, k + 1, tree.root))
    return groups


def units_of(groups: Sequence[Group], tree: PrefixTree, capacity: int) -> list[Unit]:
    """Put groups together whose contexts are equally long, and single requests of like lengths, the longest first."""
    inputs = tree.requests.lengths - 1
    ordered = sorted(groups, key=lambda group: (-group.shared, -int(inputs[group.first : group.last].max())))
    units: list[Unit] = []
    for shared, alike in groupby(ordered, key=lambda group: group.shared):
        some: list[Group] = []
        for group in alike:
            if some and _tokens([*some, group], inputs, tree.root) > capacity:
                units.append(Unit(some, shared))
                some = []
            some.append(group)
        units.append(Unit(some, shared))
    return units


def endings(unit: Unit, lengths: Longs, capacity: int) -> Iterator[list[tuple[int, int]]]:
    """Yield a unit's members in batches of about `capacity` tokens, padding counted, the longest first."""
    members = sorted(unit.members, key=lambda member: -int(lengths[member[0]]))
    while members:
        size = max(1, capacity // max(1, int(lengths[members[0][0]]) - 1 - unit.shared))
        yield members[:size]
        members = members[size:]


def _own(group: Group, most: Longs) -> int:
    """Return what the group's requests share so far; a request alone could share all that predicts nothing counted."""
    return group.shared if group.last - group.first > 1 else int(most[group.first])


def _tokens(groups: Sequence[Group], inputs: Longs, root: int) -> int:
    """Return the tokens of the larger of a unit's passes: contexts, or endings with their padding."""
    shared, longest = groups[0].shared, max(int(inputs[g.first : g.last].max()) for g in groups)
    return max((shared - root) * len(groups), (longest - shared) * sum(g.last - g.first for g in groups))
