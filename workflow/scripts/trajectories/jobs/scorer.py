"""The engine's side of a job: a checkpoint's folder in, the scores of missing tasks in the store."""

import gc
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajectories.errors import UserError
from trajectories.jobs.devices import choose, some_gpus
from trajectories.jobs.job import Job, RequestsFile

if TYPE_CHECKING:
    from trajectories.scoring.check import Known
    from trajectories.scoring.engine import Engine
    from trajectories.scoring.requests import Requests
    from trajectories.scoring.scored import Scored


class Scorer:
    """Scores one checkpoint of a model after another, on one device, which is chosen with the first and kept.

    So is what has been proven of the model, as far as it holds for every checkpoint.
    """

    def __init__(self) -> None:
        self._device = ExitStack()
        self._known: Known | None = None

    def score(self, job: Job, folder: Path, missing: Mapping[Path, Sequence[str]]) -> None:
        """Score the missing tasks of a checkpoint; each tree's scores are kept as soon as they are there."""
        if self._known is None:
            choose(self._device.enter_context(some_gpus(job.scoring.device, job.scoring.gpus, os.environ)))
            self._known = _start(job.threads)
        _score(job, folder, missing, self._known)
        _forget()

    def __enter__(self) -> "Scorer":
        return self

    def __exit__(self, *_: object) -> None:
        self._device.close()


def _start(threads: int | None) -> "Known":
    """Load what is the same for every model; none of it is looked at again when a model's memory is given back."""
    import torch

    from trajectories.scoring.check import Known

    if threads:
        torch.set_num_threads(threads)
    gc.freeze()
    return Known()


def _score(job: Job, folder: Path, missing: Mapping[Path, Sequence[str]], known: "Known") -> None:
    engine = _load(job, folder)
    for file in job.requests:
        names = missing.get(file.path, ())
        if scored := [name for name in names if name not in file.written]:
            _score_tree(job, engine, file, scored, known)
        for name in names:
            if name in file.written:
                _write_task(job, engine, file, name)


def _forget() -> None:
    """Give back the memory of the last model, cycles of references in it included."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _load(job: Job, folder: Path) -> "Engine":
    from trajectories.scoring.engine import PACK_TOKENS, Engine
    from trajectories.scoring.load import load_model, pick_device

    device = pick_device(job.scoring.device)
    size = job.scoring.pack_tokens
    pack_tokens = PACK_TOKENS.get(device.split(":")[0], 2048) if size == "auto" else size
    names = [file.name for file in job.checkpoint.files]  # nothing else that lies in the folder
    model = load_model(folder, job.scoring.dtype, device, files=names, gpus=job.scoring.gpus)
    return Engine(model, job.protocol.softmax, pack_tokens, job.scoring.attention)


def _score_tree(job: Job, engine: "Engine", file: RequestsFile, tasks: Sequence[str], known: "Known") -> None:
    from trajectories.jobs.speed import leave_note, stopwatch
    from trajectories.progress import progress_bar
    from trajectories.scoring.check import trusted
    from trajectories.scoring.prefix_tree import build_tree

    requests = file.requests.of_tasks(tasks)
    with progress_bar(len(requests), f"{job.checkpoint} {file.path.stem}") as advance, stopwatch() as seconds:
        try:
            scored = trusted(engine, requests, known).score(requests, advance)
        except UserError as error:
            raise UserError(f"{job.checkpoint}, {error}") from error
    _keep(job, engine, file, scored, requests)
    tokens = build_tree(scored.requests).nodes
    leave_note(job.store.folder, job.checkpoint.commit, tokens, seconds[0], str(engine.model.device), scored.proofs)


def _write_task(job: Job, engine: "Engine", file: RequestsFile, task: str) -> None:
    """Let the model write the answers of one task; the texts are kept before the scores that are made of them."""
    from trajectories.files import whole_file
    from trajectories.progress import progress_bar
    from trajectories.scoring.generation import Writer
    from trajectories.scoring.scored import refuse_vocabulary
    from trajectories.scoring.scores import write_scores
    from trajectories.scoring.written import Decoder, write_answers

    requests = file.requests.of_tasks([task])
    if not len(requests):
        return
    writer = Writer(engine.model, engine.window, Decoder(file.header["decoder"]), engine.pack_tokens)
    try:
        refuse_vocabulary(requests, engine.vocabulary)
        with progress_bar(len(requests), f"{job.checkpoint} {task}") as advance:
            scores, texts = write_answers(writer, requests, file.written[task], advance, file.header.get("end", "null"))
    except UserError as error:
        raise UserError(f"{job.checkpoint}, task {task}: {error}") from error
    made = _made(job, engine, file, file.digests[task]) | {
        "way": file.written[task].how.by,
        "pack_tokens": writer.pack_tokens,
    }
    kept = job.store.texts(job.entries[task].stem)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(kept) as part:
        texts.to_parquet(part, index=False)
    write_scores(scores, job.entries[task], made)


def _keep(job: Job, engine: "Engine", file: RequestsFile, scored: "Scored", requests: "Requests") -> None:
    from trajectories.scoring.scores import score_table, write_scores

    table = score_table(scored)
    for name in requests.tasks:
        rows = table[table["task"] == name]
        if len(rows):
            write_scores(rows, job.entries[name], _provenance(job, engine, file, scored, requests, file.digests[name]))


def _provenance(
    job: Job, engine: "Engine", file: RequestsFile, scored: "Scored", requests: "Requests", digest: str
) -> dict[str, Any]:
    return _made(job, engine, file, digest) | {
        "pack_tokens": scored.pack_tokens,
        "way": scored.way,
        "proofs": scored.proven,
        "cut_on_the_left": requests.longer_than(engine.window),
    }


def _made(job: Job, engine: "Engine", file: RequestsFile, digest: str) -> dict[str, Any]:
    """Return how a task was scored or written, as far as it is the same for both."""
    from trajectories.provenance import hardware, versions

    return {
        "commit": job.checkpoint.commit,
        "requests": digest,
        "tokenizer": file.header.get("tokenizer", ""),
        "dtype": job.scoring.dtype,
        "protocol": job.protocol.model_dump(),
        "attention": engine.attention_used,
        "window": engine.window,
        "device": str(engine.model.device),
        "hardware": hardware(str(engine.model.device)),
        "versions": versions(),
    }
