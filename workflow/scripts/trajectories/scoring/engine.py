"""Score all requests of a tree under one loaded model."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trajectories.errors import UserError
from trajectories.scoring.attention import Attention, candidates, faster
from trajectories.scoring.forward import TreeForward
from trajectories.scoring.head import edge_scores
from trajectories.scoring.prefix_tree import Pack, PrefixTree, build_pack, build_tree, cut_into_packs
from trajectories.scoring.requests import Requests
from trajectories.scoring.workers import in_order

logger = logging.getLogger(__name__)
Progress = Callable[[int], None]  # told how many requests have been scored since the last call

PACK_TOKENS = {"cpu": 1024, "cuda": 8192}
SMALLEST_PACK = 16
LEAST_ROOT = 16  # nodes; a shorter root is cheaper run again in every pack than kept as a cache
# Nats per token that two attention kernels may differ by before the second one is refused
MOST_DISTANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.4}


@dataclass(frozen=True)
class Scored:
    """Log-likelihoods of requests, and how they were made."""

    requests: Requests  # as they were run: in their own order, cut to the model's window
    loglikelihood: npt.NDArray[np.float64]  # [n], nats
    is_greedy: npt.NDArray[np.bool_]  # [n], every counted token is the most probable one
    pack_tokens: int  # the pack size at the end; smaller than asked for after running out of memory


@dataclass
class Engine:
    """A loaded model and how to run it. `pack_tokens` shrinks when memory runs out, and stays small."""

    model: Any
    softmax: str = "float32"
    pack_tokens: int = 512
    attention: str = "auto"  # auto, sdpa or flex
    _options: list[Attention] = field(init=False)  # narrowed to one by the first full pack

    def __post_init__(self) -> None:
        self._options = candidates(self.attention, str(self.model.device))

    @property
    def window(self) -> int:
        """How many tokens the model takes at most."""
        return window_of(self.model.config)

    def score(self, requests: Requests, progress: Progress = lambda count: None) -> Scored:
        """Return the log-likelihood of every request.

        Requests longer than the model's window lose tokens on the left, as in the evaluation harness.
        Raises `UserError` when a choice alone exceeds the window, when a token id is outside the model's vocabulary,
        or when a log-likelihood comes out as NaN or infinite, naming a task, question and choice where it does.
        """
        self._check_vocabulary(requests)
        requests = requests.within(self.window)
        tree = build_tree(requests, LEAST_ROOT)
        total = np.zeros(len(requests), dtype=np.float64)
        greedy = np.ones(len(requests), dtype=np.bool_)
        for pack, logprob, is_best in self._packs(tree):
            rows = slice(pack.first, pack.last)
            size = pack.last - pack.first
            total[rows] = self._sum(np.bincount(pack.request, weights=logprob, minlength=size))
            greedy[rows] = np.bincount(pack.request, weights=~is_best, minlength=size) == 0
            _refuse_nonfinite(total[rows], requests, pack.first)
            progress(size)
        return Scored(requests, total, greedy, self.pack_tokens)

    def _packs(self, tree: PrefixTree) -> Iterator[tuple[Pack, npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
        """Run pack after pack; after running out of memory, cut the rest of the tree into packs of half the size."""
        forward = TreeForward(self.model, tree, self._attention_for(tree))
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
                self._halve(error)
            if running is not None:
                yield running.result()
                done = running.pack.last

    def _threads(self) -> int:
        """Return how many packs may run at once: on a CPU one per thread, but where attention has to be compiled."""
        alone = self.model.device.type != "cpu" or self._options[0].implementation != "sdpa"
        return 1 if alone else torch.get_num_threads()

    def _attention_for(self, tree: PrefixTree) -> Attention:
        """Return the attention to use; a choice is made by timing each on the first full pack."""
        first, last = cut_into_packs(tree, self.pack_tokens)[0]
        if len(self._options) > 1 and last < len(tree.requests):
            pack = build_pack(tree, first, last)
            forwards = {option.implementation: TreeForward(self.model, tree, option) for option in self._options}

            def run(option: Attention) -> Tensor:
                return self._start(forwards[option.implementation], pack).edges[0].cpu()

            self._options = [faster(self._options, run, MOST_DISTANCE[self.model.dtype])]
        return self._options[0]

    @property
    def attention_used(self) -> str:
        """The attention that ran last, by the name transformers knows it by."""
        return str(self.model.config._attn_implementation)

    def _start(self, forward: TreeForward, pack: Pack) -> "_Running":
        logprob, is_best = edge_scores(self.model.get_output_embeddings(), forward(pack), pack, self.softmax)
        return _Running(pack, torch.stack([logprob, is_best.float()]))

    def _halve(self, error: Exception) -> None:
        if not out_of_memory(error) or self.pack_tokens // 2 < SMALLEST_PACK:
            raise error
        self.pack_tokens //= 2
        logger.warning("out of memory: going on with packs of %d tokens", self.pack_tokens)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _sum(self, sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Round sums to the model's type when the protocol asks for sums in it."""
        if self.softmax == "float32":
            return sums
        return np.asarray(torch.from_numpy(sums).to(self.model.dtype).double().numpy())

    def _check_vocabulary(self, requests: Requests) -> None:
        size = self.model.get_input_embeddings().weight.shape[0]
        if len(requests.tokens) and int(requests.tokens.max()) >= size:
            raise UserError(
                f"token id {int(requests.tokens.max())} is outside the model's vocabulary of {size}: "
                "checkpoints.tokenizer is not this model's tokenizer"
            )


@dataclass(frozen=True)
class _Running:
    """A pack whose results may still be under way on the device."""

    pack: Pack
    edges: Tensor  # [2, e]: log-probability, is the most probable token

    def result(self) -> tuple[Pack, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Wait for the pack (its one synchronisation) and return it with its edges' scores."""
        logprob, is_best = self.edges.cpu().numpy()
        return self.pack, logprob.astype(np.float64), is_best > 0


def window_of(config: Any) -> int:
    """Return how many tokens the model takes at most (its `max_position_embeddings` or kin)."""
    for name in ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"):
        size = getattr(config, name, None)
        if isinstance(size, int) and size > 0:
            return size
    return 2048  # what the evaluation harness assumes where a model does not say


def out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` is torch running out of memory on any device."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _refuse_nonfinite(values: npt.NDArray[np.float64], requests: Requests, first: int) -> None:
    if not np.isfinite(values).all():
        k = first + int(np.flatnonzero(~np.isfinite(values))[0])
        raise UserError(
            f"{requests.name(k)}: log-likelihood is {values[k - first]}; the weights overflow in this type: "
            "set scoring.dtype to bfloat16 or float32"
        )
