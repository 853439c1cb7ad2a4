"""The plain way: one forward pass per request, right for every causal model."""

from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trajectories.scoring.requests import Requests
from trajectories.scoring.scored import Progress, Scored, refuse_nonfinite, refuse_vocabulary
from trajectories.scoring.ways import window_of


class PlainEngine:
    """Scores without a tree. `reason` says why."""

    def __init__(self, model: Any, softmax: str = "float32", reason: str = "") -> None:
        self.model = model
        self.softmax = softmax
        self.reason = reason

    def score(self, requests: Requests, progress: Progress = lambda count: None) -> Scored:
        """Return the log-likelihood of every request, as `Engine.score` does."""
        refuse_vocabulary(requests, self.model.get_input_embeddings().weight.shape[0])
        requests = requests.within(window_of(self.model.config))
        loglikelihood, greedy = np.zeros(len(requests)), np.zeros(len(requests), dtype=np.bool_)
        for k in range(len(requests)):
            loglikelihood[k], greedy[k] = self._plain(requests.ids(k), int(requests.counted[k]))
            refuse_nonfinite(loglikelihood[k : k + 1], requests, k)
            progress(1)
        return Scored(requests, loglikelihood, greedy, 0, "plain", {"reason": self.reason})

    @torch.inference_mode()
    def _plain(self, ids: npt.NDArray[np.int32], counted: int) -> tuple[float, bool]:
        tokens = torch.from_numpy(ids.astype(np.int64)).to(self.model.device)
        logits = self.model(tokens[None, :-1], use_cache=False, **self._only(counted)).logits[0, -counted:]
        logits = logits if self.softmax == "model" else logits.float()
        target = tokens[-counted:].to(logits.device)
        chosen = logits.log_softmax(-1).gather(-1, target[:, None])[:, 0].double()
        return float(chosen.sum()), bool((logits.argmax(-1) == target).all())

    def _only(self, counted: int) -> dict[str, int]:
        """Ask for the last logits alone where the model can be asked: the others are most of a small model's work."""
        return {"logits_to_keep": counted} if "logits_to_keep" in signature(self.model.forward).parameters else {}
