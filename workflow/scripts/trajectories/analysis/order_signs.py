"""Signs that one checkpoint does not lie where its step says: a way that turns back, and a loss that rises.

Both are weighed against the checkpoints beside it, so they say nothing where all of them are noisy.
"""

import numpy as np

from trajectories.analysis.score_vectors import Matrix

NO_STEP = 1e-4  # of the whole extent: a step shorter than this has no direction
FAINT_TURN = 0.12  # minus the cosine between the two steps at a checkpoint; less may be noise …
FAINT_OFF = 0.35  # … as may a turn by less than this share of the usual gap
QUIET = 0.0  # where a faint turn counts, the way without this checkpoint turns nowhere: every cosine is above
BACK, ON = 0.4, 0.15  # an exchange explains a way that turns back so far if the way then goes on so far everywhere near
RISE = 0.4  # of the usual fall: so much must a loss rise before it counts …
STEADY = 0.1  # … and it may not rise by more than this anywhere else


def turns(d: Matrix) -> tuple[Matrix, Matrix]:
    """Return for each inner checkpoint how far the way turns back there, in the unit of `d`, and how sharply.

    `d` [T, T] are root-mean-square distances. How far is the root of minus the inner product of the two steps at a
    checkpoint, 0 where the way goes on; how sharply is minus the cosine between them. A checkpoint that lies beside its
    path by e has e² less of an inner product.
    """
    before, after, past = np.diagonal(d, 1)[:-1], np.diagonal(d, 1)[1:], np.diagonal(d, 2)
    back = (before**2 + after**2 - past**2) / 2
    moved = np.minimum(before, after) > NO_STEP * d.max(initial=0.0)
    return np.sqrt(np.maximum(0.0, back)), np.where(moved, back / np.where(moved, before * after, 1.0), 0.0)


def faint_signs(d: Matrix, usual: float) -> frozenset[int]:
    """Return two checkpoints that were exchanged, or one beside its path, too little to be a plain contradiction."""
    return faint_exchange(d) or faint_turn(d, usual)


def faint_turn(d: Matrix, usual: float) -> frozenset[int]:
    """Return the checkpoint at which a way that is straight without it turns back, be it a little; or nobody.

    `usual` is the usual gap between neighbours. In a run whose checkpoints are all noisy the way turns at others too.
    """
    back, angles = turns(d)
    best, found = QUIET, frozenset[int]()
    for place in np.flatnonzero((angles > FAINT_TURN) & (back > FAINT_OFF * usual)) + 1:
        others = np.delete(np.arange(len(d)), place)
        cosine = -float(turns(d[np.ix_(others, others)])[1].max())
        if cosine > best:
            best, found = cosine, frozenset({int(place)})
    return found


def faint_exchange(d: Matrix) -> frozenset[int]:
    """Return the two checkpoints, near each other, without whose exchange the way goes back and forth; or nobody.

    How far they moved does not matter: noise makes a way turn in any order.
    """
    best, found = ON, frozenset[int]()
    for one in range(len(d) - 1):
        for other in range(one + 1, min(one + 4, len(d))):
            near = np.arange(max(0, one - 2), min(len(d), other + 3))
            exchanged = near.copy()
            exchanged[[one - near[0], other - near[0]]] = other, one
            before, after = (-float(turns(d[np.ix_(places, places)])[1].max()) for places in (near, exchanged))
            if before < -BACK and after > best:
                best, found = after, frozenset({one, other})
    return found


def out_of_line(losses: Matrix) -> frozenset[int]:
    """Return whose loss is out of line where all others fall from checkpoint to checkpoint; or nobody.

    `losses` [T] are a model's mean losses per token on running texts. Where either of two neighbours would explain the
    rise, both are returned.
    """
    rises = np.diff(losses)
    usual = max(float(np.median(np.abs(rises))), float(np.ptp(losses)) / max(1, len(rises)))
    if rises.max() <= RISE * usual:
        return frozenset()
    settling = [place for place in range(len(losses)) if np.diff(np.delete(losses, place)).max() <= STEADY * usual]
    return frozenset(settling if len(settling) <= 2 else ())
