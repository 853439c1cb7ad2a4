"""Requests: (context, choice) pairs as token ids, sorted, in arrays that can be memory-mapped.

Sorted by token ids, requests that share a prefix stand next to each other, and the prefix tree is just one more
number per request: how many leading tokens it shares with the one before (`prefix_tree.py`).

A running text is one request, a start token and then all of its tokens, until the model's window is known: `within`
cuts it into requests for windows that follow one another, each token counted once.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from trajectories.errors import UserError
from trajectories.files import digest, whole_file

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

CHOICE, UNCONDITIONAL, RUNNING, WRITTEN = range(4)
"""Kinds of requests: a choice after its context, the same choice after nothing, a running text or a window of one, a
context that the model goes on from."""


@dataclass(frozen=True)
class Requests:
    """`n` requests in ascending order of their token ids; `tokens` holds all of them end to end.

    Request `k` is `tokens[starts[k]:starts[k + 1]]`; its last `counted[k]` tokens are those whose log-likelihood
    counts (none of a context to go on from). `task[k]` indexes `tasks`; `question[k]` and `choice[k]` are positions in
    that task; `kind[k]` is CHOICE, UNCONDITIONAL, RUNNING or WRITTEN; `characters[k]`, `bytes[k]` and `words[k]` are
    the size of the choice's own text.
    """

    tasks: tuple[str, ...]
    tokens: Ints  # [total tokens]
    starts: Longs  # [n + 1]
    counted: Ints  # [n]
    task: Ints  # [n]
    question: Ints  # [n]
    choice: Ints  # [n]
    label: Ints  # [n]
    characters: Ints  # [n]
    bytes: Ints  # [n], in UTF-8
    words: Ints  # [n], pieces between white space
    kind: Ints  # [n]

    def __len__(self) -> int:
        return len(self.counted)

    @property
    def lengths(self) -> Longs:
        """Tokens of each request, the last one included, shape [n]."""
        return np.diff(self.starts)

    def ids(self, k: int | np.intp) -> Ints:
        """Token ids of request `k`."""
        return self.tokens[self.starts[k] : self.starts[k + 1]]

    def of_tasks(self, names: Sequence[str]) -> "Requests":
        """Return only the requests of the named tasks, still sorted."""
        wanted = [index for index, name in enumerate(self.tasks) if name in names]
        return self.rows(np.flatnonzero(np.isin(self.task, wanted)))

    def rows(self, rows: Longs) -> "Requests":
        """Return the requests at the given ascending positions."""
        return self._with(rows, [self.ids(k) for k in rows])

    def within(self, window: int, what: str = "the model's window") -> "Requests":
        """Return requests cut on the left so that their inputs (all tokens but the last) fit into `window`.

        As the evaluation harness does: choices lose what stands before them, running texts become disjoint windows,
        the first after the start token, each later one after as many tokens of the text as fit (at least one).
        Raises `UserError`, saying `what` is too short, when the counted tokens of a choice alone do not fit.
        """
        if len(self) == 0 or int(self.lengths.max()) <= window + 1:
            return self
        alone = np.where(self.kind == RUNNING, 0, self.counted)
        if int(alone.max()) > window:
            k = int(alone.argmax())
            raise UserError(f"{self.name(k)}: its choice alone is longer than {what} of {window} tokens")
        cut = [(k, *piece) for k in range(len(self)) for piece in self._pieces(k, window)]
        ids = [piece for _, piece, _ in cut]
        order = np.array(_sorted_order(ids), dtype=np.int64)
        rows = np.array([k for k, _, _ in cut])[order]
        counted = np.array([counted for _, _, counted in cut], dtype=np.int32)[order]
        return replace(self._with(rows, [ids[i] for i in order]), counted=counted)

    def longer_than(self, window: int) -> int:
        """Return how many requests do not fit into `window` and lose tokens on the left."""
        return int(((self.lengths > window + 1) & (self.kind != RUNNING)).sum())

    def _pieces(self, k: int, window: int) -> Iterator[tuple[Ints, int]]:
        """Yield (token ids, how many of the last count) of what request `k` becomes."""
        ids, counted = self.ids(k), int(self.counted[k])
        if self.kind[k] != RUNNING:
            yield ids[-(window + 1) :], counted
            return
        for start in range(len(ids) - counted, len(ids), window):
            end = min(start + window, len(ids))
            yield ids[max(0, end - window - 1) : end], end - start

    def name(self, k: int) -> str:
        """Return 'task t, question q, choice c' for messages."""
        return f"task {self.tasks[self.task[k]]}, question {self.question[k]}, choice {self.choice[k]}"

    def task_digest(self, name: str) -> str:
        """Return the sha256 of everything of one task that scores depend on, whatever it is stored along with."""
        rows = np.flatnonzero(self.task == self.tasks.index(name))
        rows = rows[np.lexsort((self.kind[rows], self.choice[rows], self.question[rows]))]
        sha = hashlib.sha256(name.encode())
        for column in (*(getattr(self, name) for name in _ROW_COLUMNS if name != "task"), self.lengths):
            sha.update(np.ascontiguousarray(column[rows], dtype="<i8").tobytes())
        for k in rows:
            sha.update(self.ids(k).astype("<i4").tobytes())
        return sha.hexdigest()

    def _with(self, rows: Longs, ids: Sequence[Ints]) -> "Requests":
        columns = {name: getattr(self, name)[rows] for name in _ROW_COLUMNS}
        return Requests(tasks=self.tasks, tokens=_flat(ids), starts=_starts(ids), **columns)


_ROW_COLUMNS = ("counted", "task", "question", "choice", "label", "characters", "bytes", "words", "kind")


def build_requests(
    tasks: Sequence[str], ids: Sequence[Sequence[int]], columns: Mapping[str, Sequence[int]]
) -> Requests:
    """Sort requests given in any order.

    `columns` holds counted, task, question, choice, label, characters, bytes, words and kind; those left out are 0.
    """
    arrays = [np.asarray(tokens, dtype=np.int32) for tokens in ids]
    zeros = [0] * len(ids)
    rows = {name: np.asarray(columns.get(name, zeros), dtype=np.int32) for name in _ROW_COLUMNS}
    order = _sorted_order(arrays, *(rows[name] for name in ("task", "question", "choice", "kind")))
    chosen = [arrays[k] for k in order]
    return Requests(
        tasks=tuple(tasks), tokens=_flat(chosen), starts=_starts(chosen), **{k: v[order] for k, v in rows.items()}
    )


def write_requests(
    requests: Requests, path: Path | str, metadata: Mapping[str, str], more: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write requests as one safetensors file, whole or not at all, with a digest per task in its metadata.

    `more` is what else changes the scores of a task, by its name.
    """
    arrays = {field.name: getattr(requests, field.name) for field in fields(requests) if field.name != "tasks"}
    digests = {name: requests.task_digest(name) for name in requests.tasks}
    digests |= {name: digest([digests[name], text]) for name, text in more.items()}
    header = dict(metadata) | {"tasks": json.dumps(requests.tasks), "digests": json.dumps(digests)}
    with whole_file(path) as part:
        save_file(arrays, part, metadata=header)


def read_requests(path: Path | str) -> Requests:
    """Read the requests of a file written by `write_requests`. Raises `UserError` when it is damaged."""
    try:
        with safe_open(path, framework="np") as stored:
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            return Requests(tasks=tuple(json.loads(stored.metadata()["tasks"])), **arrays)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a readable requests file ({error}); delete it and run again") from error


def requests_metadata(path: Path | str) -> dict[str, str]:
    """Return the metadata of a requests file: tokenizer, protocol, tasks, digests (JSON: task name to sha256)."""
    with safe_open(path, framework="np") as stored:
        return dict(stored.metadata())


def _sorted_order(ids: Sequence[Ints], *ties: Ints) -> list[int]:
    """Return the order that sorts token sequences as sequences of numbers; big-endian bytes compare alike."""
    keys = [tokens.astype(">i4").tobytes() for tokens in ids]
    return sorted(range(len(ids)), key=lambda k: (keys[k], *(int(tie[k]) for tie in ties)))


def _flat(ids: Sequence[Ints]) -> Ints:
    return np.concatenate(ids).astype(np.int32) if len(ids) else np.zeros(0, dtype=np.int32)


def _starts(ids: Sequence[Ints]) -> Longs:
    return np.concatenate([[0], np.cumsum([len(tokens) for tokens in ids])]).astype(np.int64)
