"""The audit of local folders: what it lists, what it finds, what it refuses."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from support.tiny_checkpoints import CONFIG, tensors, write_folder
from trajectories.checkpoints.audit import AuditSpec, audit, check_anomalies
from trajectories.checkpoints.notes import anomaly_footnotes, anomaly_note
from trajectories.checkpoints.records import ModelSource
from trajectories.errors import UserError

STEPS = (1, 2, 4, 8)


def source(root: Path, steps: tuple[int, ...] = STEPS, pattern: str = "{model}/step{step}") -> ModelSource:
    return ModelSource("tiny-0.1m", 100_000, "folder", str(root / pattern), steps, tokens_per_step=1024)


def run(root: Path, policy: str = "keep", **kwargs: object) -> pd.DataFrame:
    return audit(AuditSpec((source(root, **kwargs),), policy)).set_index("step")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for step in STEPS:
        write_folder(tmp_path / "tiny-0.1m" / f"step{step}", seed=step)
    return tmp_path


def test_sound_folders(root: Path) -> None:
    table = run(root, "stop")
    check_anomalies(table, "stop")
    assert list(table["status"]) == ["ok"] * 4
    assert table["used"].all()
    assert list(table["tokens"]) == [1024, 2048, 4096, 8192]
    folder = root / "tiny-0.1m" / "step4"
    expected = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert json.loads(table.loc[4, "files"]) == expected
    assert table.loc[4, "bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert table.loc[4, "source"] == f"folder:{folder}"
    assert table["commit"].nunique() == 4


def test_commit_changes_with_any_file_that_counts_and_no_other(root: Path) -> None:
    before = run(root)["commit"]
    folder = root / "tiny-0.1m" / "step2"
    (folder / "README.md").write_text("not part of the model")
    pd.testing.assert_series_equal(run(root)["commit"], before)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rotary_pct": 0.5}))
    changed = run(root)["commit"] != before
    assert list(changed[changed].index) == [2]


def test_shards_are_used_and_incomplete_ones_are_not(tmp_path: Path) -> None:
    for step in (1, 2, 4):
        write_folder(tmp_path / "tiny-0.1m" / f"step{step}", step, shards=3)
    (tmp_path / "tiny-0.1m" / "step2" / "model-00002-of-00003.safetensors").unlink()
    (tmp_path / "tiny-0.1m" / "step4" / "model.safetensors.index.json").unlink()
    table = run(tmp_path, steps=(1, 2, 4))
    assert list(table["status"]) == ["ok", "no-weights", "no-weights"]
    assert list(table["used"]) == [True, False, False]
    assert sorted(json.loads(table.loc[1, "files"])) == [
        "config.json", *(f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)), "model.safetensors.index.json",
    ]  # fmt: skip


def test_safetensors_is_preferred_and_bin_is_used_where_alone(tmp_path: Path) -> None:
    write_folder(tmp_path / "tiny-0.1m" / "step1", 1, formats=("safetensors", "bin"))
    write_folder(tmp_path / "tiny-0.1m" / "step2", 2, formats=("bin",))
    assert list(run(tmp_path, steps=(1, 2))["format"]) == ["safetensors", "bin"]


def test_bin_is_used_where_only_its_files_are_step_specific(tmp_path: Path) -> None:
    for step in (1, 2, 4):
        folder = write_folder(tmp_path / "tiny-0.1m" / f"step{step}", step, formats=("safetensors", "bin"))
        if step != 1:
            shutil.copy(tmp_path / "tiny-0.1m" / "step1" / "model.safetensors", folder)
    table = run(tmp_path, steps=(1, 2, 4))
    assert list(table["status"]) == ["ok"] * 3
    assert list(table["format"]) == ["bin"] * 3
    assert "safetensors: all weights equal to step1" in table.loc[4, "detail"]


def test_copies_stop_are_excluded_or_kept(root: Path) -> None:
    shutil.copy(root / "tiny-0.1m/step8/model.safetensors", root / "tiny-0.1m/step2/model.safetensors")
    table = run(root, "stop")
    assert dict(table["status"]) == {1: "ok", 2: "duplicate-of-step8", 4: "ok", 8: "duplicate-of-step2"}
    hash_ = json.loads(table.loc[2, "files"])["model.safetensors"]
    with pytest.raises(UserError) as error:
        check_anomalies(table.reset_index(), "stop")
    first, *rest = str(error.value).splitlines()
    for word in ("2 of 4", "tiny-0.1m", "anomalies: exclude", "anomalies: keep", "out of the study"):
        assert word in first
    assert rest == [
        f"  tiny-0.1m: steps 2, 8: duplicate-of-step8, duplicate-of-step2 (all weights equal to step8, sha256 "
        f"{hash_[:16]}…)"
    ]
    assert list(run(root, "exclude")["used"]) == [True, False, True, False]
    assert list(run(root, "keep")["used"]) == [True] * 4
    check_anomalies(run(root, "keep").reset_index(), "keep")
    assert anomaly_footnotes(run(root, "exclude").reset_index())[0].startswith("left out: tiny-0.1m: steps 2, 8")


def test_one_equal_shard_is_found(tmp_path: Path) -> None:
    for step in (1, 2, 4):
        write_folder(tmp_path / "tiny-0.1m" / f"step{step}", step, shards=2)
    name = "model-00001-of-00002.safetensors"
    shutil.copy(tmp_path / "tiny-0.1m/step1" / name, tmp_path / "tiny-0.1m/step4" / name)
    table = run(tmp_path, steps=(1, 2, 4))
    assert list(table["status"]) == ["shard-of-step4", "ok", "shard-of-step1"]
    assert f"shard {name}" in table.loc[4, "detail"]


def test_missing_folder_is_a_finding_and_no_folder_at_all_an_error(root: Path) -> None:
    table = run(root, steps=(1, 2, 16))
    assert list(table["status"]) == ["ok", "ok", "missing"]
    assert not table.loc[16, "used"]
    with pytest.raises(UserError, match="no folder matches"):
        run(root / "elsewhere")


def test_what_is_simply_missing_is_called_missing(root: Path) -> None:
    with pytest.raises(
        UserError, match=r"^2 of 6 checkpoints are missing \(tiny-0\.1m\); take these steps out, or set"
    ):
        check_anomalies(run(root, steps=(*STEPS, 16, 32)).reset_index(), "stop")
    write_folder(root / "tiny-0.1m" / "step8", seed=4)
    with pytest.raises(UserError, match=r"^2 of 5 checkpoints are not what their names say, 1 is missing"):
        check_anomalies(run(root, steps=(*STEPS, 16)).reset_index(), "stop")


def test_nothing_usable_left_is_an_error_under_any_policy(tmp_path: Path) -> None:
    (tmp_path / "tiny-0.1m" / "step1").mkdir(parents=True)
    table = run(tmp_path, "exclude", steps=(1,)).reset_index()
    with pytest.raises(UserError, match="none of the 1 checkpoints"):
        check_anomalies(table, "exclude")


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "num_hidden_layers"])
def test_shapes_that_do_not_fit(root: Path, key: str) -> None:
    path = root / "tiny-0.1m" / "step4" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: 3}))
    table = run(root)
    assert list(table["status"]) == ["ok", "ok", "wrong-shape", "ok"]
    assert "config.json says" in table.loc[4, "detail"]


@pytest.mark.parametrize(
    ("names", "config"),
    [
        ({}, {"hidden_size": 32, "word_embed_proj_dim": 8}),  # OPT-350m embeds in 512 and computes in 1024
        ({"gpt_neox.layers.2.eh_proj.weight": (8, 16)}, {}),  # DeepSeek-V3's layer for the token after the next
        ({"gpt_neox.layers.2.mlp.dense_h_to_4h.weight": (32, 8)}, {}),
        ({}, {"num_hidden_layers": 9, "text_config": {"num_hidden_layers": 2, "vocab_size": 40, "hidden_size": 8}}),
    ],
)
def test_what_a_loader_takes_is_not_called_wrong(
    root: Path, names: dict[str, tuple[int, ...]], config: dict[str, object]
) -> None:
    folder = root / "tiny-0.1m" / "step4"
    weights = tensors(4) | {name: np.zeros(shape, dtype=np.float32) for name, shape in names.items()}
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    assert list(run(root)["status"]) == ["ok"] * 4


def test_another_size_is_found(root: Path) -> None:
    folder = root / "tiny-0.1m" / "step4"
    write_folder(folder, 4, formats=("bin",))
    (folder / "model.safetensors").unlink()
    for step in (1, 2, 8):
        write_folder(root / "tiny-0.1m" / f"step{step}", step, formats=("bin",))
        (root / "tiny-0.1m" / f"step{step}" / "model.safetensors").unlink()
    whole = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(whole[: len(whole) // 2])  # as another type would make it
    assert list(run(root)["status"]) == ["ok"] * 4
    (folder / "pytorch_model.bin").write_bytes(whole[: len(whole) // 3])
    assert list(run(root)["status"]) == ["ok", "ok", "wrong-size", "ok"]


def test_cut_file_is_refused(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "tiny-0.1m" / "step1", 1) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="header says"):
        run(tmp_path, steps=(1,))


def test_no_config_is_found(root: Path) -> None:
    (root / "tiny-0.1m/step1/config.json").unlink()
    table = run(root)
    assert table.loc[1, "status"] == "no-config"
    assert not table.loc[1, "used"]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    inside = root / "tiny-0.1m" / "step1" / name
    outside = tmp_path / f"elsewhere-{name}"
    inside.rename(outside)
    inside.symlink_to(outside)
    with pytest.raises(UserError, match="leaves its checkpoint folder"):
        run(root)


@pytest.mark.parametrize("name", ["../model-00001-of-00002.safetensors", "/etc/passwd", "..", "a\nb", "x" * 300])
def test_index_that_names_files_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path / "tiny-0.1m" / "step1", 1, shards=2)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["embed_out.weight"] = name
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match="not a plain file name"):
        run(tmp_path, steps=(1,))


def test_absurd_config_is_refused_unread(root: Path) -> None:
    os.truncate(root / "tiny-0.1m/step1/config.json", 60_000_000)
    with pytest.raises(UserError, match="absurd"):
        run(root)


@pytest.mark.parametrize("header", [b"\xff" * 8, b"\x10" + b"\0" * 7 + b"not json at all!", b""])
def test_damaged_header_is_refused(root: Path, header: bytes) -> None:
    (root / "tiny-0.1m/step1/model.safetensors").write_bytes(header)
    with pytest.raises(UserError, match="fetch it again"):
        run(root, steps=(1,))


def test_other_placeholders_match_what_is_there(tmp_path: Path) -> None:
    write_folder(tmp_path / "tiny-0.1m" / "stage1-step5-tokens10B", 5)
    pattern = "{model}/stage1-step{step}-tokens{tokens}B"
    table = run(tmp_path, steps=(5,), pattern=pattern)
    assert list(table["revision"]) == ["stage1-step5-tokens10B"]
    write_folder(tmp_path / "tiny-0.1m" / "stage1-step5-tokens11B", 5)
    with pytest.raises(UserError, match="matches"):
        run(tmp_path, steps=(5,), pattern=pattern)


def test_the_footnote_says_what_was_left_out_and_what_was_kept(root: Path) -> None:
    shutil.copy(root / "tiny-0.1m/step8/model.safetensors", root / "tiny-0.1m/step2/model.safetensors")
    (root / "tiny-0.1m/step4/model.safetensors").unlink()
    assert anomaly_note(run(root, "keep").reset_index()) == (
        "Left out after the audit: tiny-0.1m step 4 (no-weights). Kept after the audit: tiny-0.1m step 2 "
        "(duplicate-of-step8); tiny-0.1m step 8 (duplicate-of-step2)."
    )
    sound = run(root, "exclude").reset_index()
    assert anomaly_note(sound[sound["status"] == "ok"]) == ""
