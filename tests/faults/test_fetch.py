"""Fetching checkpoints on bad days: success after retry or one clear line, never a wrong or half file for good."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from support.hub_server import LocalHub
from support.tiny_checkpoints import CONFIG, write_folder
from trajectories.checkpoints import fetch
from trajectories.checkpoints.audit import AuditSpec, audit
from trajectories.checkpoints.fetch import fetch_ahead
from trajectories.checkpoints.records import ModelSource
from trajectories.checkpoints.resolved import Checkpoint, as_checkpoint
from trajectories.checkpoints.scratch import Slots
from trajectories.errors import UserError

REPO = "EleutherAI/pythia-tiny"


def resolve(steps: tuple[int, ...], **kwargs: str) -> list[Checkpoint]:
    model = ModelSource("pythia-tiny", 10**6, "hub", REPO, steps, 1024)
    return [as_checkpoint(row) for _, row in audit(AuditSpec((model,))).iterrows()]


def weights(folder: Path, megabytes: float = 1.0) -> Path:
    """A checkpoint whose weight file has some size."""
    folder = write_folder(folder, 1)
    rows = int(megabytes * 2**20 / 32)
    rng = np.random.default_rng(1)
    layers = {f"gpt_neox.layers.{n}.w": np.ones(2, np.float32) for n in range(int(str(CONFIG["num_hidden_layers"])))}
    save_file({"pad": rng.standard_normal((rows, 8), dtype=np.float32), **layers}, folder / "model.safetensors")
    return folder


@contextmanager
def fetched(checkpoint: Checkpoint, scratch: Path, **how: bool) -> Iterator[Path]:
    """A job with this one checkpoint."""
    with Slots(scratch, 2) as slots, fetch.fetched(checkpoint, slots, **how) as folder:
        yield folder


@pytest.fixture
def checkpoint(hub: LocalHub, tmp_path: Path) -> Checkpoint:
    hub.commit(REPO, "step1", weights(tmp_path / "original"))
    (resolved,) = resolve((1,))
    hub.seen.clear()
    return resolved


def same(folder: Path, original: Path) -> bool:
    names = sorted(path.name for path in original.iterdir())
    return sorted(path.name for path in folder.iterdir()) == names and all(
        (folder / name).read_bytes() == (original / name).read_bytes() for name in names
    )


def test_only_what_is_needed_by_commit_and_gone_afterwards(hub: LocalHub, tmp_path: Path) -> None:
    folder = weights(tmp_path / "original")
    extra = {"README.md": b"x", "pytorch_model.bin": b"y" * 1000, "optimizer.pt": b"z" * 1000, "tokenizer.json": b"{}"}
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.commit(REPO, "step1", files | extra)
    (checkpoint,) = resolve((1,))
    hub.commit(REPO, "step1", {"config.json": b"{}"})  # the branch moves on after the audit
    with fetched(checkpoint, tmp_path / "scratch") as got:
        assert same(got, folder)
        assert got == tmp_path / "scratch/pythia-tiny/step1"
    assert not got.exists()
    assert not hub.requests(r"pytorch_model|README|optimizer|tokenizer", "HEAD")


def test_kept_and_not_fetched_twice(hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint) -> None:
    with fetched(checkpoint, tmp_path / "scratch", keep=True) as got:
        pass
    hub.seen.clear()
    with fetched(checkpoint, tmp_path / "scratch", keep=True) as again:
        assert again == got
        assert same(got, tmp_path / "original")
    assert hub.seen == []


def test_kept_but_damaged_is_fetched_again(hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint) -> None:
    with fetched(checkpoint, tmp_path / "scratch", keep=True) as got:
        path = got / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with fetched(checkpoint, tmp_path / "scratch", keep=True) as got:
        assert same(got, tmp_path / "original")


FAULTS: dict[str, Callable[[LocalHub], None]] = {
    "429 with Retry-After": lambda hub: hub.fail("/storage/", 429, Retry_After="3"),
    "429 on the address": lambda hub: hub.fail("/resolve/", 429, times=2, method="HEAD", Retry_After="3"),
    "500": lambda hub: hub.fail("/storage/", 500, times=2),
    "503 on the address": lambda hub: hub.fail("/resolve/", 503, times=2, method="HEAD"),
    "cut mid-file": lambda hub: hub.fail("/storage/", "cut", times=2),
    "cut mid-config": lambda hub: hub.fail("/resolve/.*config.json", "cut"),
    "wrong byte": lambda hub: hub.fail("/storage/", "flip"),
    "wrong byte in config": lambda hub: hub.fail("/resolve/.*config.json", "flip"),
    "expired redirect": lambda hub: hub.fail("/storage/", 403, times=2),
    "no answer": lambda hub: hub.fail("/storage/", "stall", times=1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_success_after_a_fault(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, waits: list[float], fault: str
) -> None:
    FAULTS[fault](hub)
    with fetched(checkpoint, tmp_path / "scratch") as got:
        assert same(got, tmp_path / "original")
    assert all(planned.times == 0 for planned in hub.faults)
    if "Retry-After" in fault:
        assert any(3 <= wait <= 4 for wait in waits)


def test_a_cut_download_goes_on_where_it_broke_off(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, waits: list[float]
) -> None:
    hub.fail("/storage/", "cut")
    with fetched(checkpoint, tmp_path / "scratch"):
        pass
    half = (tmp_path / "original/model.safetensors").stat().st_size // 2
    first, second = hub.requests("/storage/")
    assert first.range is None
    assert second.range is not None
    assert 0 < int(second.range.removeprefix("bytes=").split("-")[0]) <= half


def test_always_wrong_contents_are_refused(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, waits: list[float]
) -> None:
    hub.fail("/storage/", "flip", times=100)
    with (
        pytest.raises(UserError, match="other contents than the audit saw, twice"),
        fetched(checkpoint, tmp_path / "s"),
    ):
        pytest.fail("a wrong file was taken for good")
    assert not list((tmp_path / "s").rglob("*.safetensors*"))


@pytest.mark.parametrize("status", [500, 429])
def test_a_lasting_fault_ends_in_one_line_and_a_later_run_goes_on(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, waits: list[float], status: int
) -> None:
    hub.fail("/storage/", "cut")
    hub.fail("/storage/", status, times=10_000)
    with pytest.raises(UserError) as error, fetched(checkpoint, tmp_path / "s"):
        pytest.fail("a half file was taken for good")
    assert "\n" not in str(error.value)
    assert f"HTTP {status}" in str(error.value)
    assert not (tmp_path / "s/pythia-tiny/step1").exists()
    hub.faults.clear()
    hub.seen.clear()
    with fetched(checkpoint, tmp_path / "s") as got:
        assert same(got, tmp_path / "original")
    (seen,) = hub.requests("/storage/")
    assert seen.range is not None
    assert not seen.range.startswith("bytes=0")


def test_gated_since_the_audit(hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint) -> None:
    hub.repos["models", REPO].gated = True
    with pytest.raises(UserError, match="gated; accept its terms"), fetched(checkpoint, tmp_path / "s"):
        pass


def test_gone_since_the_audit(hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint) -> None:
    del hub.repos["models", REPO].commits[checkpoint.commit]
    with pytest.raises(UserError, match="no such revision; refresh the audit"), fetched(checkpoint, tmp_path / "s"):
        pass


def test_no_network(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}",
    )
    with pytest.raises(UserError, match="check the network and run the same"), fetched(checkpoint, tmp_path / "s"):
        pass


def test_too_little_room_is_said_before_the_download(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.seen.clear()
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match="GB are needed and"), fetched(checkpoint, tmp_path / "s"):
        pass
    assert not hub.requests("/storage/")


def test_a_disk_that_fills_up_is_said_and_given_back(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trajectories.hub.download.http_get", full)
    with pytest.raises(UserError, match="are free; make room"), fetched(checkpoint, tmp_path / "s"):
        pass
    assert not list((tmp_path / "s").rglob("*.part"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_really_full_disk(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.commit(REPO, "step1", weights(tmp_path / "original", megabytes=4))
    (checkpoint,) = resolve((1,))
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        monkeypatch.setattr("trajectories.checkpoints.fetch.check_space", lambda *args: None)
        with pytest.raises(UserError, match="are free; make room"), fetched(checkpoint, disk):
            pass
        assert not list(disk.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_token_stays_with_the_hub(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with fetched(checkpoint, tmp_path / "s"):
        pass
    assert {seen.authorization for seen in hub.requests("/resolve/", "HEAD")} == {"Bearer hf_secret"}
    assert {seen.authorization for seen in hub.requests("/storage/")} == {None}


def test_the_hub_cache_is_used_when_asked_for_and_right(hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint) -> None:
    from huggingface_hub import constants, hf_hub_download

    cached = Path(
        hf_hub_download(REPO, "model.safetensors", revision=checkpoint.commit, cache_dir=constants.HF_HUB_CACHE)
    )
    hub.seen.clear()
    with fetched(checkpoint, tmp_path / "s", hub_cache=True) as got:
        assert same(got, tmp_path / "original")
    assert not hub.requests("/storage/")
    assert cached.exists()
    cached.resolve().write_bytes(b"damaged")
    with fetched(checkpoint, tmp_path / "s", hub_cache=True) as got:
        assert same(got, tmp_path / "original")
    assert hub.requests("/storage/")


def test_names_from_the_table_are_checked() -> None:
    import pandas as pd

    row = {"model": "m", "step": 1, "source": "hub:a/b", "commit": "c", "format": "bin", "status": "ok",
           "files": '{"../evil.bin": "0"}', "sizes": '{"../evil.bin": 1}'}  # fmt: skip
    with pytest.raises(UserError, match="not a plain file name"):
        as_checkpoint(pd.Series(row))


def test_changed_local_folder_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "m/step1", 1)
    model = ModelSource("m", 1000, "folder", str(tmp_path / "{model}/step{step}"), (1,), 1)
    table = audit(AuditSpec((model,)))
    checkpoint = as_checkpoint(table.iloc[0])
    with fetched(checkpoint, tmp_path / "scratch") as folder:
        assert folder == tmp_path / "m/step1"
    assert folder.exists()
    write_folder(tmp_path / "m/step1", 2)
    with pytest.raises(UserError, match="has changed since the audit"), fetched(checkpoint, tmp_path / "scratch"):
        pass


def test_fetched_ahead_waits_for_its_job_and_goes_with_it(
    hub: LocalHub, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    hub.commit(REPO, "step2", weights(tmp_path / "second", 0.1))
    other = resolve((2,))[0]
    assert fetch_ahead(checkpoint, tmp_path / "s") == tmp_path / "s/pythia-tiny/step1"
    with fetched(other, tmp_path / "s"):
        assert (tmp_path / "s/pythia-tiny/step1").exists()
    hub.seen.clear()
    with fetched(checkpoint, tmp_path / "s"):
        pass
    assert hub.seen == []
    assert not list((tmp_path / "s/pythia-tiny").iterdir())


JOB = """
import sys, pathlib
from huggingface_hub import constants
from trajectories.checkpoints.fetch import fetched
from trajectories.checkpoints.resolved import as_checkpoint
from trajectories.tables import read_table
constants.DOWNLOAD_CHUNK_SIZE = 1 << 16
table, step, scratch, log = sys.argv[1:]
import time
from trajectories.checkpoints.locks import any_lock
from trajectories.checkpoints.scratch import Slots
rows = read_table(table, "checkpoints").set_index("step", drop=False)
checkpoint = as_checkpoint(rows.loc[int(step)])
with Slots(pathlib.Path(scratch), 2) as slots, fetched(checkpoint, slots) as folder:
    with any_lock([pathlib.Path(scratch) / ".locks/gpu"], "the GPU"), open(log, "a") as out:
        begin = time.monotonic()
        time.sleep(0.8)
        print(step, begin, time.monotonic(), flush=True, file=out)
"""


def job(hub: LocalHub, tmp_path: Path, project: Path, step: int) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(project / "workflow/scripts"),
    }  # fmt: skip
    arguments = [str(tmp_path / "checkpoints.tsv"), str(step), str(tmp_path / "scratch"), str(tmp_path / "log")]
    return subprocess.Popen([sys.executable, "-c", JOB, *arguments], env=environment)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    import time

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.01)


def test_a_killed_download_is_resumed_and_the_number_on_disk_stays_bounded(
    hub: LocalHub, tmp_path: Path, project: Path
) -> None:
    """Three jobs for two places and one GPU; one is killed while it downloads, then started again."""
    from trajectories.checkpoints.scratch import on_disk
    from trajectories.tables import write_table

    for step in (1, 2, 3):
        hub.commit(REPO, f"step{step}", weights(tmp_path / f"step{step}", megabytes=1 + step / 10))
    model = ModelSource("pythia-tiny", 10**6, "hub", REPO, (1, 2, 3), 1024)
    write_table(audit(AuditSpec((model,))), tmp_path / "checkpoints.tsv", "checkpoints")
    hub.delay = 0.15  # eight pieces: a download lasts 1.2 s
    scratch, most = tmp_path / "scratch", 0
    first = job(hub, tmp_path, project, 1)
    part = scratch / "pythia-tiny/step1.part/model.safetensors.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    had = part.stat().st_size
    hub.seen.clear()
    running = [job(hub, tmp_path, project, step) for step in (1, 2, 3)]
    while any(process.poll() is None for process in running):
        most = max(most, len(on_disk(scratch)))
        wait_until(lambda: True)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert most == 2
    assert on_disk(scratch) == []
    scored = [tuple(map(float, line.split())) for line in (tmp_path / "log").read_text().splitlines()]
    assert sorted(step for step, _, _ in scored) == [1, 2, 3]
    downloads = hub.requests("/storage/")
    assert len(downloads) == 3
    started = [seen.at + hub.started for seen in downloads]
    assert any(begin < at < end for at in started for _, begin, end in scored), "nothing was fetched during scoring"
    resumed = [seen.range for seen in downloads if seen.range]
    assert resumed in ([], [f"bytes={had}-{part_size(tmp_path) - 1}"], [f"bytes={had}-"])


def part_size(tmp_path: Path) -> int:
    return (tmp_path / "step1/model.safetensors").stat().st_size
