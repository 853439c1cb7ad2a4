"""A checkpoint's scores file, put together from the store, in which it then lies once."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file
from trajectories.jobs.job import Job
from trajectories.jobs.store import Store
from trajectories.scoring.score_columns import LAYOUT

logger = logging.getLogger(__name__)
Made = dict[str, str]  # how one task's scores were made
T = TypeVar("T")


def assemble(job: Job) -> None:
    """Write the job's scores file, all tasks of which must be in the store.

    Raises `UserError` when a file of the store is damaged; it is then removed, and the next try makes it again.
    """
    if job.whole.is_file():
        _read(job.whole, lambda file: file.read())
    else:
        _write_whole(job)
        with suppress(OSError):  # a file system without links keeps each task's file, too
            _point_to(job.whole, job.entries.values(), job.store)
    _give(job.whole, job.output)


def _write_whole(job: Job) -> None:
    """Write one file with a group of rows per task; its metadata says how each task's scores were made."""
    parts = {name: _read(path, partial(_of_task, task=name)) for name, path in job.entries.items()}
    keys = json.dumps([path.stem for path in job.entries.values()])
    header = job.header | {"tasks": json.dumps({name: made for name, (_, made) in parts.items()}), "entries": keys}
    schema = next(table.schema for table, _ in parts.values()).with_metadata(header)
    with whole_file(job.whole) as path, pq.ParquetWriter(path, schema, **LAYOUT) as writer:
        for table, _ in parts.values():
            writer.write_table(table.replace_schema_metadata(header), row_group_size=max(1, len(table)))


def _of_task(file: pq.ParquetFile, task: str) -> tuple[pa.Table, Made]:
    """Return the scores of a task, and how they were made, from its own file or from a whole one."""
    metadata = _metadata(file)
    if "entries" not in metadata:
        return file.read().replace_schema_metadata(None), metadata
    tasks: Mapping[str, Made] = json.loads(metadata["tasks"])
    return file.read_row_group(list(tasks).index(task)).replace_schema_metadata(None), tasks[task]


def _point_to(whole: Path, entries: Iterable[Path], store: Store) -> None:
    """Make links of the tasks' own files, and remove whole files that no task's link leads to any more."""
    left = set()
    for entry in entries:
        if entry.is_symlink():
            left.add(entry.resolve())
        _link(entry, whole)
    for former in left - {whole.resolve()}:
        if former.is_file() and not any(link.resolve() == former for link in _read(former, _links(store))):
            former.unlink()


def _link(entry: Path, whole: Path) -> None:
    """Replace a task's file by a relative link that tells the same time, so that a store can be moved or copied."""
    when = entry.lstat().st_mtime_ns
    link = entry.with_name(f".{entry.name}.{os.getpid()}")
    link.symlink_to(os.path.relpath(whole, entry.parent))
    os.utime(link, ns=(when, when), follow_symlinks=False)
    link.replace(entry)


def _links(store: Store) -> Callable[[pq.ParquetFile], list[Path]]:
    return lambda file: [store.entry(key) for key in json.loads(_metadata(file)["entries"])]


def _metadata(file: pq.ParquetFile) -> Made:
    return {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}


def _read(path: Path, what: Callable[[pq.ParquetFile], T]) -> T:
    """Read a file of the store; one that a disk has damaged is removed, so that the next try scores its tasks again."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return what(file)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        path.resolve().unlink(missing_ok=True)
        raise UserError(f"{path}: was damaged and has been removed ({error}); run again to score it anew") from error


def _give(whole: Path, output: Path) -> None:
    """Put the whole file at `output` under a second name, or as a copy where it has one already, or cannot have one.

    Two studies never share a file: Snakemake sets times of outputs, and one study's would be another's.
    """
    with whole_file(output) as part:
        if whole.stat().st_nlink == 1:
            part.unlink()
            with suppress(OSError):
                os.link(whole, part)
                return
        shutil.copyfile(whole, part)
