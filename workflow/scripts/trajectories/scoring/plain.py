"""The plain way: batches of requests, right for every causal model; shared prefixes are run once where states allow."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trajectories.scoring.batches import Means, Unit, endings, groups_of, units_of
from trajectories.scoring.head import Head, edge_scores
from trajectories.scoring.memory import smaller
from trajectories.scoring.prefix_tree import Pack, PrefixTree, build_tree
from trajectories.scoring.requests import Ints, Requests
from trajectories.scoring.scored import Progress, Scored, refuse_nonfinite, refuse_vocabulary
from trajectories.scoring.states import Passes, State, rows_of
from trajectories.scoring.ways import of_one_rope, rope_switch, window
from trajectories.scoring.workers import in_order

LEAST_ROOT = 16  # tokens all requests share, below which a state is not worth its copies


class PlainEngine:
    """Scores without a tree, by the `means` that were proven.

    alone     one request at a time
    batches   requests of like lengths together
    states    the same, prefixes run once and their states copied
    steps     the same, where a state goes on for one token at a time only
    """

    def __init__(
        self, model: Any, head: Head, softmax: str = "float32", pack_tokens: int = 512, means: Means = "alone",
        reason: str = "",
    ) -> None:  # fmt: skip
        self.model = model
        self.softmax = softmax
        self.pack_tokens = pack_tokens
        self.means = means
        self.reason = reason
        self.proofs: dict[str, float | str] = {}
        self._passes = Passes(model, head, steps=means == "steps")

    def score(self, requests: Requests, progress: Progress = lambda count: None) -> Scored:
        """Return the log-likelihood of every request, as `Engine.score` does."""
        refuse_vocabulary(requests, self.model.get_input_embeddings().weight.shape[0])
        requests = requests.within(window(self.model))
        total = np.zeros(len(requests), dtype=np.float64)
        greedy = np.ones(len(requests), dtype=np.bool_)
        for rows in of_one_rope(requests, rope_switch(self.model.config)):
            part = requests.rows(rows)
            for members, sums, is_best in self._units(part):
                total[rows[members]], greedy[rows[members]] = sums, is_best
                progress(len(members))
        refuse_nonfinite(total, requests, 0)
        proofs = self.proofs | {"reason": self.reason, "means": self.means}
        return Scored(requests, total, greedy, self.pack_tokens, "plain", proofs)

    def _units(self, requests: Requests) -> Iterator[tuple[Ints, Any, Any]]:
        """Run unit after unit; after running out of memory, go on with units of half the size."""
        states = self.means in ("states", "steps")
        tree = build_tree(requests, LEAST_ROOT if states else int(requests.lengths.max()) + 1)
        root = self._pass(tree.root_tokens[None], None, True)[1] if tree.root else None
        groups = groups_of(tree, self.means)
        while groups:
            capacity = self.pack_tokens if self.means != "alone" else 1
            done = 0
            units = units_of(groups, tree, capacity)
            try:
                for members, sums, is_best in in_order(partial(self._run, tree, root), units, self._threads()):
                    yield members, sums, is_best
                    done += 1
            except RuntimeError as error:
                self.pack_tokens = smaller(self.pack_tokens, error)
            groups = [group for unit in units[done:] for group in unit.groups]

    def _threads(self) -> int:
        return torch.get_num_threads() if self.model.device.type == "cpu" else 1

    def _run(self, tree: PrefixTree, root: State | None, unit: Unit) -> tuple[Ints, Any, Any]:
        requests, state = tree.requests, root
        if unit.shared > tree.root:
            # a context of many tokens is not worth its steps: it starts from nothing
            given = None if root is None or self.means == "steps" else rows_of(root, [0] * len(unit.groups))
            start = tree.root if given is not None else 0
            contexts = [requests.ids(group.first)[start : unit.shared] for group in unit.groups]
            state = self._pass(np.stack(contexts), given, True)[1]
        members, sums, best = [], [], []
        # a step of many rows is a pass of as many tokens, however long their endings
        capacity = {"alone": 1, "steps": 8 * self.pack_tokens}.get(self.means, self.pack_tokens)
        for batch in endings(unit, requests.lengths, capacity):
            found, greedy = self._ending(batch, unit, requests, state, unit.shared > tree.root)
            members += [k for k, _ in batch]
            sums.append(found)
            best.append(greedy)
        return np.array(members, dtype=np.int32), np.concatenate(sums), np.concatenate(best)

    def _ending(
        self, batch: list[tuple[int, int]], unit: Unit, requests: Requests, state: State | None, several: bool
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Score a batch of endings: sums of log-probabilities, and whether every token is the most probable."""
        tails = [requests.ids(k)[unit.shared : -1] for k, _ in batch]
        ids = np.zeros((len(batch), max(map(len, tails))), dtype=np.int32)
        for row, tail in enumerate(tails):
            ids[row, : len(tail)] = tail
        rows = [row if several else 0 for _, row in batch]
        made, _ = self._pass(ids, None if state is None else rows_of(state, rows), False)
        pack = _edges([(len(tail), requests.ids(k), int(requests.counted[k])) for (k, _), tail in
                       zip(batch, tails, strict=True)], ids.shape[1])  # fmt: skip
        wanted = torch.from_numpy(pack.wanted.astype(np.int64)).to(made.device)
        logprob, is_best = edge_scores(
            self._passes.head, made.flatten(0, 1).index_select(0, wanted), pack, self.softmax
        )
        return _sums(pack, logprob, is_best, self.softmax, self.model.dtype)

    def _pass(self, ids: Any, state: State | None, keep: bool) -> tuple[Tensor, State | None]:
        tokens = torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(self.model.device)
        return self._passes(tokens, state, keep)


def _edges(rows: list[tuple[int, Ints, int]], width: int) -> Pack:
    """Return the edges of a batch as a pack's: for each row, how long its input is, its tokens, how many count."""
    wanted = [row * width + np.arange(length - counted, length) for row, (length, _, counted) in enumerate(rows)]
    target = np.concatenate([ids[-counted:] for _, ids, counted in rows]).astype(np.int32)
    request = np.repeat(np.arange(len(rows), dtype=np.int32), [counted for _, _, counted in rows])
    none, order = np.zeros(0, dtype=np.int32), np.arange(len(target), dtype=np.int32)
    return Pack(0, len(rows), none, none, none, np.concatenate(wanted).astype(np.int32), order, target, request)


def _sums(
    pack: Pack, logprob: Tensor, is_best: Tensor, softmax: str, dtype: torch.dtype
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    size, logprobs = pack.last, logprob.cpu().numpy().astype(np.float64)
    sums = np.bincount(pack.request, weights=logprobs, minlength=size)
    if softmax == "model":
        sums = torch.from_numpy(sums).to(dtype).double().numpy()
    missed = np.bincount(pack.request, weights=~is_best.cpu().numpy(), minlength=size)
    return sums.astype(np.float64), np.asarray(missed == 0)
