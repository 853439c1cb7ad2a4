"""The audit on hub metadata, with each case that public suites have had."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pandas as pd
import pytest

from support.hub_server import LocalHub
from support.tiny_checkpoints import shard_name, write_folder
from trajectories.checkpoints.audit import AuditSpec, audit, check_anomalies
from trajectories.checkpoints.records import ModelSource
from trajectories.errors import UserError
from trajectories.hub.client import asked_for

REPO = "EleutherAI/pythia-tiny"


def source(steps: tuple[int, ...], revision: str = "step{step}", repo: str = "EleutherAI/{model}") -> ModelSource:
    return ModelSource("pythia-tiny", 2_800_000_000, "hub", repo, steps, 2_097_152, revision)


def run(steps: tuple[int, ...], compare: str = "used", **kwargs: str) -> pd.DataFrame:
    return audit(AuditSpec((source(steps, **kwargs),), "exclude", compare)).set_index("step")


def publish(hub: LocalHub, folder: Path, contents: dict[str, int], **layout: object) -> None:
    """Publish branches; equal numbers mean equal weights."""
    for branch, seed in contents.items():
        hub.commit(REPO, branch, write_folder(folder / branch, seed, **layout))  # type: ignore[arg-type]


def test_sound_suite(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "step4": 4, "main": 4})
    table = run((1, 2, 4))
    check_anomalies(table.reset_index(), "stop")
    assert list(table["status"]) == ["ok"] * 3
    kept = hub.repos["models", REPO]
    assert dict(table["commit"]) == {step: kept.branches[f"step{step}"] for step in (1, 2, 4)}
    files = json.loads(table.loc[2, "files"])
    assert sorted(files) == ["config.json", "model.safetensors"]
    assert files["model.safetensors"] in hub.blobs
    assert files["config.json"].startswith("git:")
    sizes = json.loads(table.loc[2, "sizes"])
    assert sizes == {name: (tmp_path / "step2" / name).stat().st_size for name in files}
    assert table.loc[2, "bytes"] == sum(sizes.values())
    assert table.loc[2, "source"] == f"hub:{REPO}"


def test_no_weights_are_downloaded(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "main": 2})
    run((1, 2))
    assert not hub.requests(r"^/storage/") or all(seen.range for seen in hub.requests(r"^/storage/"))
    assert len(hub.requests("/refs")) == 1
    assert len(hub.requests("/tree/")) == 3 - 0  # one per commit, `main` among them


def test_pythia_2_8b_most_branches_are_two_late_checkpoints(hub: LocalHub, tmp_path: Path) -> None:
    """EleutherAI/pythia issues 195 and 205, in small: `main`'s file on many steps, a second file on others."""
    first, second = 90, 91
    steps = {0: first, 1: first, 2: first, 1000: first, 54000: second, 66000: 66, 67000: 67, 143000: second}
    publish(hub, tmp_path, {f"step{step}": seed for step, seed in steps.items()} | {"main": first})
    table = run(tuple(steps))
    assert dict(table["status"]) == {
        **dict.fromkeys((0, 1, 2, 1000), "duplicate-of-main"),
        54000: "duplicate-of-step143000", 143000: "duplicate-of-step54000", 66000: "ok", 67000: "ok",
    }  # fmt: skip
    assert list(table.index[table["used"]]) == [66000, 67000]
    with pytest.raises(UserError) as error:
        check_anomalies(table.reset_index(), "stop")
    lines = str(error.value).splitlines()
    assert lines[0].startswith("6 of 8 checkpoints are not what their names say (pythia-tiny); set ")
    assert len(lines) == 3  # one line per shared file
    assert "steps 0, 1, 2, 1000: duplicate-of-main" in lines[1]
    assert table.loc[0, "shared"][:16] in lines[1]


def test_a_copy_of_main_is_found_though_only_it_is_used(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 9, "step3": 3, "step9": 9, "main": 9})
    assert list(run((2,))["status"]) == ["duplicate-of-step9"]
    assert list(run((1, 9))["status"]) == ["ok", "ok"]


def test_unused_branches_are_compared_on_request(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "step3": 2, "step9": 9, "main": 9})
    assert list(run((1, 2))["status"]) == ["ok", "ok"]
    assert list(run((1, 2), compare="all")["status"]) == ["ok", "duplicate-of-step3"]


def test_pythia_12b_two_steps_carry_the_final_first_shard(hub: LocalHub, tmp_path: Path) -> None:
    """EleutherAI/pythia issue 206."""
    steps = (49000, 50000, 58000, 143000)
    names = [f"step{step}" for step in steps]
    for name in names:
        write_folder(tmp_path / name, int(name[4:]), shards=3, formats=("bin",))
    for name in ("step50000", "step58000"):
        shard = shard_name("bin", 1, 3)
        shutil.copy(tmp_path / "step143000" / shard, tmp_path / name / shard)
    for name in names:
        hub.commit(REPO, name, tmp_path / name)
    hub.commit(REPO, "main", tmp_path / "step143000")
    table = run(steps)
    assert list(table["status"]) == ["ok", "shard-of-step143000", "shard-of-step143000", "ok"]
    assert "shard pytorch_model-00001-of-00003.bin" in table.loc[50000, "detail"]


def test_step0_equals_step1(hub: LocalHub, tmp_path: Path) -> None:
    """EleutherAI/pythia issues 83 and 198: no update yet; step 0 carries the right name."""
    publish(hub, tmp_path, {"step0": 0, "step1": 0, "step2": 0, "step4": 4, "step8": 8, "main": 8})
    statuses = dict(run((0, 1, 2, 4))["status"])
    assert statuses == {0: "ok", 1: "duplicate-of-step0", 2: "duplicate-of-step0", 4: "ok"}


def test_olmo_2_three_branches_are_one(hub: LocalHub, tmp_path: Path) -> None:
    """allenai/OLMo issue 915, with that suite's branch names; `main` is a later stage's model."""
    repo, pattern = "allenai/OLMo-2-1124-7B", "stage1-step{step}-tokens{tokens}B"
    tokens = {101000: 424, 175000: 735, 300000: 1259, 301000: 1263}
    for step, count in tokens.items():
        seed = 1 if step != 301000 else 2
        hub.commit(repo, f"stage1-step{step}-tokens{count}B", write_folder(tmp_path / str(step), seed, shards=6))
    hub.commit(repo, "stage2-ingredient1-step11931-tokens50B", write_folder(tmp_path / "stage2", 3, shards=6))
    hub.commit(repo, "main", write_folder(tmp_path / "main", 4, shards=6))
    table = run(tuple(tokens), repo=repo, revision=pattern)
    assert dict(table["status"]) == {
        101000: "duplicate-of-step175000", 175000: "duplicate-of-step101000", 300000: "duplicate-of-step101000",
        301000: "ok",
    }  # fmt: skip
    assert table.loc[301000, "revision"] == "stage1-step301000-tokens1263B"
    assert not table.loc[[101000, 175000, 300000], "used"].any()


def test_missing_branches_and_branches_without_weights(hub: LocalHub, tmp_path: Path) -> None:
    """EleutherAI/pythia issues 141 and 202."""
    publish(hub, tmp_path, {"step1": 1, "step4": 4, "main": 4})
    hub.commit(REPO, "step2", {"config.json": b"{}", ".gitattributes": b""})
    table = run((1, 2, 3, 4))
    assert list(table["status"]) == ["ok", "no-weights", "missing", "ok"]
    assert list(table["used"]) == [True, False, False, True]


def test_bin_is_used_where_safetensors_are_copies(hub: LocalHub, tmp_path: Path) -> None:
    for step in (1, 2, 4):
        folder = write_folder(tmp_path / f"step{step}", step, formats=("bin",))
        write_folder(folder, 4)
        hub.commit(REPO, f"step{step}", folder)
    hub.commit(REPO, "main", tmp_path / "step4")
    table = run((1, 2, 4))
    assert list(table["status"]) == ["ok"] * 3
    assert list(table["format"]) == ["bin", "bin", "safetensors"]
    assert "safetensors: all weights equal to" in table.loc[1, "detail"]


def test_shapes_that_do_not_fit(hub: LocalHub, tmp_path: Path) -> None:
    for step in (1, 2, 4):
        folder = write_folder(tmp_path / f"step{step}", step, shards=2)
        if step == 2:
            config = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 12}))
        hub.commit(REPO, f"step{step}", folder)
    table = run((1, 2, 4))
    assert list(table["status"]) == ["ok", "wrong-shape", "ok"]
    assert table.loc[2, "detail"] == "2 layers, config.json says 12"


def test_long_listings_are_read_to_the_end(hub: LocalHub, tmp_path: Path) -> None:
    files = {f"a{n:03}.txt": b"" for n in range(120)}
    folder = write_folder(tmp_path / "step1", 1)
    hub.commit(REPO, "step1", files | {path.name: path.read_bytes() for path in folder.iterdir()})
    assert list(run((1,))["status"]) == ["ok"]
    assert len(hub.requests("/tree/")) == 3


def test_the_pattern_matches_nothing(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"main": 1, "global-step1": 1})
    with pytest.raises(UserError, match=r"none of the 2 branches .* matches 'step\{step\}'; it has global-step1, main"):
        run((1,))


def test_two_branches_for_one_step(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"stage1-step1-tokens1B": 1, "stage1-step1-tokens2B": 1})
    with pytest.raises(UserError, match="are step 1; write a narrower pattern"):
        run((1,), revision="stage1-step{step}-tokens{tokens}B")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("where", ["/refs", "/tree/", "/resolve/.*safetensors", "/resolve/.*config.json"])
def test_passing_errors_are_waited_out(
    hub: LocalHub, tmp_path: Path, waits: list[float], status: int, where: str
) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "main": 2})
    hub.fail(where, status, times=2, Retry_After="7")
    assert list(run((1, 2))["status"]) == ["ok", "ok"]
    assert len([wait for wait in waits if 7 <= wait <= 8]) == 2


def test_an_expired_address_of_the_storage_is_asked_for_again(
    hub: LocalHub, tmp_path: Path, waits: list[float]
) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "main": 2})
    hub.fail("/storage/", 403, times=2)
    assert list(run((1, 2))["status"]) == ["ok", "ok"]
    assert len(waits) == 2
    hub.fail("/refs", 403)  # the hub's own no is meant
    with pytest.raises(UserError, match="says HTTP 403"):
        run((1, 2))


LIMITS = {
    '"api";r=0;t=60': 60, '"pages";r=88;t=290, "api";r=0;t=41': 41, "limit=500, remaining=0, reset=12": 12,
}  # fmt: skip


@pytest.mark.parametrize("where", ["/refs", "/resolve/.*config.json"])  # huggingface_hub itself waits for /tree/
@pytest.mark.parametrize("limit", LIMITS)
def test_a_rate_limit_is_waited_out_as_its_header_says(
    hub: LocalHub, tmp_path: Path, waits: list[float], limit: str, where: str
) -> None:
    publish(hub, tmp_path, {"step1": 1, "step2": 2, "main": 2})
    hub.fail(where, 429, times=2, RateLimit=limit)
    assert list(run((1, 2))["status"]) == ["ok", "ok"]
    assert all(LIMITS[limit] <= wait <= LIMITS[limit] + 2 for wait in waits)
    assert len(waits) == 2


def test_a_date_to_come_back_at_is_understood() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100))
    assert asked_for({"Retry-After": soon}) == pytest.approx(100, abs=5)
    assert asked_for({"Retry-After": "7.5"}) == 7.5
    assert asked_for({"RateLimit-Reset": "9"}) == 10
    assert asked_for({"Retry-After": "soon"}) is None
    assert asked_for({}) is None


def test_lasting_errors_end_in_one_line(hub: LocalHub, tmp_path: Path, waits: list[float]) -> None:
    publish(hub, tmp_path, {"step1": 1})
    hub.fail("/refs", 503, times=1000)
    with pytest.raises(UserError, match=r"^EleutherAI/pythia-tiny: .* says HTTP 503; run .* again later$"):
        run((1,))


def test_gated_and_missing_repositories(hub: LocalHub, tmp_path: Path) -> None:
    publish(hub, tmp_path, {"step1": 1})
    hub.repos["models", REPO].gated = True
    with pytest.raises(UserError, match="gated; accept its terms"):
        run((1,))
    with pytest.raises(UserError, match="no such repository"):
        run((1,), repo="EleutherAI/pythia-nowhere")
    with pytest.raises(UserError, match="give it as owner/name"):
        run((1,), repo="a/b/c")


def test_no_network_ends_in_one_line(hub: LocalHub, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"no answer from http://127.0.0.1:9 .*; check the network"):
        run((1,))
    assert len(waits) == 2
