"""Score all requests of a tree under one loaded model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trajectories.scoring.attention import Attention, candidates, faster, without_plans
from trajectories.scoring.forward import TreeForward
from trajectories.scoring.head import Head, edge_scores, head_of
from trajectories.scoring.memory import smaller
from trajectories.scoring.prefix_tree import Pack, PrefixTree, build_pack, build_tree, cut_into_packs
from trajectories.scoring.requests import Ints, Requests
from trajectories.scoring.scored import Progress, Scored, refuse_nonfinite, refuse_vocabulary
from trajectories.scoring.ways import is_spread, of_one_rope, rope_switch, window
from trajectories.scoring.ways import window_of as window_of  # part of the engine's interface
from trajectories.scoring.workers import in_order

PACK_TOKENS = {"cpu": 1024, "cuda": 8192}
LEAST_ROOT = 16  # nodes; a shorter root is cheaper run again in every pack than kept as a cache
# Nats per token that two attention kernels may differ by before the second one is refused
MOST_DISTANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.4}


@dataclass
class Engine:
    """A loaded model and how to run it. `pack_tokens` shrinks when memory runs out, and stays small."""

    model: Any
    softmax: str = "float32"
    pack_tokens: int = 512
    attention: str = "auto"  # auto, sdpa or flex
    way: str = "tree"  # as proven: tree or windows
    proofs: Mapping[str, float | str] = field(default_factory=dict)
    leak: float | None = None  # found with this checkpoint's own weights; None before the test
    options: list[Attention] = field(init=False)  # the attention allowed; narrowed to one by the first full pack
    confirm: Callable[[Attention], bool] = lambda option: True  # asked before another than the first is taken

    def __post_init__(self) -> None:
        self.start_with_loaded()

    def start_with_loaded(self) -> None:
        """Allow the attention that the model was loaded with, and what else the device is good for."""
        device = str(self.model.device)
        self.options = candidates(self.attention, device, self.attention_used, is_spread(self.model))

    @property
    def window(self) -> int:
        """How many tokens the model takes at most."""
        return window(self.model)

    @cached_property
    def head(self) -> Head:
        """How logits are made of hidden states."""
        return head_of(self.model, np.arange(min(8, self.vocabulary)))

    @property
    def vocabulary(self) -> int:
        """How many tokens the model has."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    def score(self, requests: Requests, progress: Progress = lambda count: None) -> Scored:
        """Return the log-likelihood of every request.

        Requests longer than the model's window lose tokens on the left, as in the evaluation harness.
        Raises `UserError` when a choice alone exceeds the window, when a token id is outside the model's vocabulary,
        or when a log-likelihood comes out as NaN or infinite, naming a task, question and choice where it does.
        """
        refuse_vocabulary(requests, self.vocabulary)
        requests = requests.within(self.window)
        total = np.zeros(len(requests), dtype=np.float64)
        greedy = np.ones(len(requests), dtype=np.bool_)
        with without_plans(self.model.device):
            for rows in of_one_rope(requests, rope_switch(self.model.config)):
                total[rows], greedy[rows] = self._score_tree(requests.rows(rows), progress)
        return Scored(requests, total, greedy, self.pack_tokens, self.way, self.proofs)

    def forward(self, root: Ints, attention: Attention | None = None) -> TreeForward:
        """Return the forward below a root with an attention, by default the first of those allowed."""
        return TreeForward(self.model, root, attention or self.options[0], self.head)

    def _score_tree(
        self, requests: Requests, progress: Progress
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        switch = rope_switch(self.model.config)
        # a root runs alone, and LongRoPE would turn it as it turns short requests
        alone = switch is None or int(requests.lengths.max()) - 1 <= switch
        tree = build_tree(requests, LEAST_ROOT if alone else self.window + 1)
        total = np.zeros(len(requests), dtype=np.float64)
        greedy = np.ones(len(requests), dtype=np.bool_)
        for pack, logprob, is_best in self._packs(tree):
            rows = slice(pack.first, pack.last)
            size = pack.last - pack.first
            total[rows] = self._sum(np.bincount(pack.request, weights=logprob, minlength=size))
            greedy[rows] = np.bincount(pack.request, weights=~is_best, minlength=size) == 0
            refuse_nonfinite(total[rows], requests, pack.first)
            progress(size)
        return total, greedy

    def _packs(self, tree: PrefixTree) -> Iterator[tuple[Pack, npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
        """Run pack after pack; after running out of memory, cut the rest of the tree into packs of half the size."""
        forward = TreeForward(self.model, tree.root_tokens, self._attention_for(tree), self.head)
        done = 0
        while done < len(tree.requests):
            running: _Running | None = None  # a GPU works on it while the next pack is laid out here
            cuts = cut_into_packs(tree, self.pack_tokens, done)
            try:
                for started in in_order(
                    lambda cut: self._start(forward, build_pack(tree, *cut)), cuts, self._threads()
                ):
                    if running is not None:
                        yield running.result()
                        done = running.pack.last
                    running = started
            except RuntimeError as error:
                self.pack_tokens = smaller(self.pack_tokens, error)
            if running is not None:
                yield running.result()
                done = running.pack.last

    def _threads(self) -> int:
        """Return how many packs may run at once: on a CPU one per thread, but where attention has to be compiled."""
        alone = self.model.device.type != "cpu" or self.options[0].implementation == "flex_attention"
        return 1 if alone else torch.get_num_threads()

    def _attention_for(self, tree: PrefixTree) -> Attention:
        """Return the attention to use; a choice is made by timing each on the first full pack."""
        first, last = cut_into_packs(tree, self.pack_tokens)[0]
        if len(self.options) > 1 and last < len(tree.requests):
            pack = build_pack(tree, first, last)
            forwards = {
                option.implementation: TreeForward(self.model, tree.root_tokens, option, self.head)
                for option in self.options
            }

            def run(option: Attention) -> Tensor:
                return self._start(forwards[option.implementation], pack).edges[0].cpu()

            best = faster(self.options, run, MOST_DISTANCE[self.model.dtype])
            # in place: engines of other checkpoints may share the list
            self.options[:] = [best if best is self.options[0] or self.confirm(best) else self.options[0]]
        return self.options[0]

    @property
    def attention_used(self) -> str:
        """The attention that ran last, by the name transformers knows it by."""
        return str(self.model.config._attn_implementation)

    def _start(self, forward: TreeForward, pack: Pack) -> "_Running":
        logprob, is_best = edge_scores(self.head, forward(pack), pack, self.softmax)
        return _Running(pack, torch.stack([logprob, is_best.float()]))

    def _sum(self, sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Round sums to the model's type when the protocol asks for sums in it."""
        if self.softmax == "float32":
            return sums
        return np.asarray(torch.from_numpy(sums).to(self.model.dtype).double().numpy())


@dataclass(frozen=True)
class _Running:
    """A pack whose results may still be under way on the device."""

    pack: Pack
    edges: Tensor  # [2, e]: log-probability, is the most probable token

    def result(self) -> tuple[Pack, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Wait for the pack (its one synchronisation) and return it with its edges' scores."""
        logprob, is_best = self.edges.cpu().numpy()
        return self.pack, logprob.astype(np.float64), is_best > 0
