"""Proofs of the plain way: what may stand beside and after a request, and whether a copied state goes on as the whole.

causal      a later token is changed: no earlier state may move. A model that fails has no likelihoods and is refused
batches     a row padded on the right beside another one, and alone: the same states
states      a root, a context and an ending run one after the other, states copied and mixed, and whole: the same
"""

import numpy as np
import torch
from torch import Tensor

from trajectories.errors import UserError
from trajectories.scoring.batches import Means
from trajectories.scoring.memory import UNFIT, why
from trajectories.scoring.proofs import UNITS, distances, refuse_positions, rounded_again
from trajectories.scoring.requests import Ints
from trajectories.scoring.states import Passes, rows_of
from trajectories.scoring.synthetic import draws


def refuse_not_causal(passes: Passes, alphabet: Ints, length: int, most: float) -> None:
    """Raise `UserError` when what comes later moves what came before, or one pass is not like another.

    `length` is that of the longest request: some models go another way when a sequence is long.
    """
    (tokens,) = draws(alphabet, (max(2, length),), seed=11)
    worst, whole = 0.0, _rows(passes, tokens)
    if float(distances(_rows(passes, tokens), whole).max()) > _loosest(passes, 0.0):
        raise UserError(f"this {type(passes.model).__name__} gives other numbers in every pass, so it has no one score")
    for place in (len(tokens) - 1, len(tokens) // 2):
        changed = tokens.copy()
        changed[place:] = np.resize(alphabet[alphabet != tokens[place]], len(tokens) - place)
        worst = max(worst, float(distances(_rows(passes, changed)[:place], whole[:place]).max()))
    if worst > _loosest(passes, most):
        raise UserError(
            f"this {type(passes.model).__name__} is not causal: later tokens change earlier states, so it has no "
            "log-likelihoods of choices; set is_decoder in its config.json if it was trained as a decoder"
        )


def _loosest(passes: Passes, most: float) -> float:
    """Bound what is no answer to whether a model is causal; one that is not moves by far more."""
    return max(most, UNITS * torch.finfo(passes.model.dtype).eps)


def means_of(passes: Passes, alphabet: Ints, limit: int, exact: bool) -> tuple[Means, dict[str, float | str]]:
    """Return the fastest means that give the states of plain passes, with the distances found; errors say no."""
    figures: dict[str, float | str] = {}
    parts = draws(alphabet, [max(1, min(size, limit // 5)) for size in (24, 20, 9, 14, 5)], seed=12)

    def proven(means: Means) -> bool:
        by_steps = Passes(passes.model, passes.head, steps=means == "steps")
        try:
            made = _padded(passes, parts) if means == "batches" else _continued(by_steps, parts)
            apart, noise = _compared(passes, made)
            refuse_positions(apart, noise, exact)
        except UNFIT as error:
            figures[f"not_{means}"] = why(error)
            return False
        figures[means] = float(apart.max())
        return True

    if not proven("batches"):
        return "alone", figures
    continued: tuple[Means, ...] = ("states", "steps") if passes.stateful else ()
    return next((means for means in continued if proven(means)), "batches"), figures


def _padded(passes: Passes, parts: list[Ints]) -> list[tuple[Ints, Tensor]]:
    """Return (tokens, their states in a batch) for a short row beside a long one."""
    long, short = np.concatenate(parts), parts[3]
    made, _ = passes(_ids(passes, [short, long]))
    return [(short, made[0, : len(short)]), (long, made[1])]


def _continued(passes: Passes, parts: list[Ints]) -> list[tuple[Ints, Tensor]]:
    """Return (tokens, the states of their last part) for two contexts after one root, and three endings after those."""
    root, one, two, end, other = parts
    two = np.resize(two, len(one))
    _, start = passes(_ids(passes, [root]), None, True)
    assert start is not None
    made, state = passes(_ids(passes, [one, two]), rows_of(start, [0, 0]), True)
    assert state is not None
    follows = [(1, end), (0, other), (1, other)]
    ends, _ = passes(_ids(passes, [tail for _, tail in follows]), rows_of(state, [1, 0, 1]))
    pairs = [(np.concatenate([root, context]), made[row]) for row, context in enumerate((one, two))]
    for row, (origin, tail) in enumerate(follows):
        pairs.append((np.concatenate([root, (one, two)[origin], tail]), ends[row, : len(tail)]))
    return pairs


def _compared(passes: Passes, pairs: list[tuple[Ints, Tensor]]) -> tuple[Tensor, Tensor]:
    apart, noise = [], []
    for tokens, states in pairs:
        alone = _rows(passes, tokens)[-len(states) :]
        apart.append(distances(states, alone))
        with rounded_again(passes.model):
            noise.append(distances(_rows(passes, tokens)[-len(states) :], alone))
    return torch.cat(apart), torch.cat(noise)


def _rows(passes: Passes, tokens: Ints) -> Tensor:
    return passes(_ids(passes, [tokens]))[0][0]


def _ids(passes: Passes, rows: list[Ints]) -> Tensor:
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
    return torch.from_numpy(ids).to(passes.model.device)
