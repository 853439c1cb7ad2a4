"""`anomalies: recover`: the right weights are found where they are, wrong ones never taken, and everything is said."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.hub_server import LocalHub
from support.tiny_checkpoints import CONFIG, shard_name, tensors, write_folder
from trajectories.checkpoints.audit import AuditSpec, audit, check_anomalies
from trajectories.checkpoints.heal import Mirror, Recovery
from trajectories.checkpoints.notes import anomaly_note
from trajectories.checkpoints.records import ModelSource
from trajectories.errors import UserError

REPO = "EleutherAI/pythia-tiny"
STEPS = (1, 2, 4, 8)
MORE_REQUESTS = 29  # for 7 wrong branches of 64: docs/checkpoints.md tells it


def source(steps: tuple[int, ...] = STEPS, model: str = "pythia-tiny") -> ModelSource:
    return ModelSource(model, 2_800_000_000, "hub", "EleutherAI/{model}", steps, 2_097_152)


def run(*mirrors: Mirror, depth: int = 20, steps: tuple[int, ...] = STEPS, **kwargs: Any) -> pd.DataFrame:
    recovery = Recovery(depth, mirrors)
    return audit(AuditSpec((source(steps),), "recover", recovery=recovery, **kwargs)).set_index("step")


class Suite:
    """Branches whose contents are numbers: equal numbers mean equal weights."""

    def __init__(self, hub: LocalHub, folder: Path) -> None:
        self.hub, self.folder = hub, folder

    def files(self, seed: int, **layout: Any) -> Path:
        return write_folder(self.folder / f"{seed}-{len(layout)}", seed, **layout)

    def put(self, branch: str, *seeds: int, repo: str = REPO, date: str = "2024-01-01", **layout: Any) -> None:
        """Commit these weights to a branch, one after the other."""
        for seed in seeds:
            self.hub.commit(repo, branch, self.files(seed, **layout), date=date)


@pytest.fixture
def suite(hub: LocalHub, tmp_path: Path) -> Suite:
    """Steps 1 and 8 are right; `main` is the last step."""
    suite = Suite(hub, tmp_path)
    for branch, seed in (("step1", 1), ("step8", 8), ("main", 8)):
        suite.put(branch, seed)
    return suite


def weights(hub: LocalHub, row: "pd.Series[Any]") -> int:
    """Return the number whose weights a row of the table locks."""
    files = hub.repos["models", row["source"].removeprefix("hub:")].commits[row["commit"]]
    first = files["model.safetensors"]
    for seed in range(1, 100):
        if tensors(seed)["gpt_neox.embed_in.weight"].tobytes() in first:
            return seed
    raise AssertionError("no seed's weights")


def test_earlier_commits_of_copied_branches_have_the_right_weights(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2, 8)
    suite.put("step4", 4, 8, 8)
    table = run()
    assert list(table["status"]) == ["ok", "recovered", "recovered", "ok"]
    assert table["used"].all()
    assert [weights(hub, row) for _, row in table.iterrows()] == [1, 2, 4, 8]
    kept = hub.repos["models", REPO]
    assert table.loc[2, "commit"] == kept.past["step2"][1]
    assert table.loc[2, "detail"].startswith(f"recovered from an earlier commit {table.loc[2, 'commit'][:12]} of 2024-")
    assert "in its own place: all weights equal to main" in table.loc[2, "detail"]
    check_anomalies(table.reset_index(), "stop")
    assert anomaly_note(table.reset_index()) == (
        "Recovered by the audit: pythia-tiny steps 2, 4 (from earlier commits of their branches)."
    )


def test_a_past_without_the_right_weights_is_left_out_with_what_was_tried(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 1, 8)  # once a copy of step 1, now of main
    hub.commit(REPO, "step4", {"README.md": b"soon"})
    suite.put("step4", 8)
    table = run()
    assert list(table["status"]) == ["ok", "duplicate-of-step8", "duplicate-of-step8", "ok"]
    assert list(table["used"]) == [True, False, False, True]
    assert table.loc[2, "detail"].endswith(
        "tried: all formats of its commit: equal to main; 1 earlier commit(s): equal to step 1 (1)"
    )
    assert table.loc[4, "detail"].endswith("1 earlier commit(s): no complete set of weight files (1)")
    assert "Left out after the audit: pythia-tiny steps 2, 4" in anomaly_note(table.reset_index())


def test_weights_of_two_pasts_count_for_neither(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2, 50, 8)
    suite.put("step4", 50, 8)
    table = run()
    assert list(table["status"]) == ["ok", "recovered", "duplicate-of-step8", "ok"]
    assert weights(hub, table.loc[2]) == 2  # not 50, which step 4 had as well
    assert (
        "equal to an earlier commit of step 2" in table.loc[4, "detail"] or "equal to step 2" in table.loc[4, "detail"]
    )


def test_what_main_had_before_the_branch_left_it_is_not_the_branchs_own(hub: LocalHub, suite: Suite) -> None:
    suite.put("main", 70, 8)
    hub.branch_off(REPO, "step2")
    hub.repos["models", REPO].past["step2"] = hub.repos["models", REPO].past["step2"][1:]  # it left before the 8
    suite.put("step2", 8, date="2024-02-02")
    suite.put("step4", 4)
    table = run()
    assert table.loc[2, "status"] == "duplicate-of-step8"
    assert "committed to main before the branch left it (1)" in table.loc[2, "detail"]


@pytest.mark.parametrize(("depth", "healed"), [(1, False), (2, True)])
def test_the_depth_bounds_the_search(hub: LocalHub, suite: Suite, depth: int, healed: bool) -> None:
    suite.put("step2", 2, 1, 8)
    suite.put("step4", 4)
    assert (run(depth=depth).loc[2, "status"] == "recovered") is healed


def test_one_wrong_shard_and_shapes_that_do_not_fit(hub: LocalHub, tmp_path: Path) -> None:
    suite = Suite(hub, tmp_path)
    for branch, seed in (("step1", 1), ("step2", 2), ("step4", 4), ("step8", 8), ("main", 8)):
        suite.put(branch, seed, shards=2)
    mixed = {path.name: path.read_bytes() for path in suite.files(2, shards=2).iterdir()}
    mixed[shard_name("safetensors", 1, 2)] = (suite.files(8, shards=2) / shard_name("safetensors", 1, 2)).read_bytes()
    hub.commit(REPO, "step2", mixed)
    wrong = {path.name: path.read_bytes() for path in suite.files(4, shards=2).iterdir()}
    hub.commit(REPO, "step4", wrong | {"config.json": json.dumps(CONFIG | {"num_hidden_layers": 9}).encode()})
    table = run()
    assert list(table["status"]) == ["ok", "recovered", "recovered", "ok"]
    assert "in its own place: 2 layers, config.json says 9" in table.loc[4, "detail"]


def test_an_earlier_commit_that_is_damaged_is_passed_over(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2)
    pointer = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": b"version https://git-lfs" * 9000}
    hub.commit(REPO, "step2", pointer)
    suite.put("step2", 8)
    suite.put("step4", 4)
    assert weights(hub, run().loc[2]) == 2


def test_a_branch_that_lost_its_weights_and_one_that_is_not_there(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2)
    hub.commit(REPO, "step2", {"README.md": b"gone"})
    suite.put("step4", 4, repo="backup/all")
    table = run(Mirror(hub="backup/all"))
    assert [weights(hub, row) for _, row in table.iterrows()] == [1, 2, 4, 8]
    assert "in its own place: " in table.loc[2, "detail"]


def test_a_past_of_several_pages(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2)
    copy = {path.name: path.read_bytes() for path in suite.files(8).iterdir()}
    for number in range(120):
        hub.commit(REPO, "step2", copy | {"README.md": str(number).encode()})
    suite.put("step4", 4)
    assert "20 earlier commit(s): equal to main (20)" in run().loc[2, "detail"]
    assert weights(hub, run(depth=200).loc[2]) == 2


def test_another_format_of_the_same_commit_comes_first(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 2)
    folder = suite.files(2, formats=("bin",))
    both = {path.name: path.read_bytes() for path in folder.iterdir()} | {
        "model.safetensors": bytes((suite.files(3) / "model.safetensors").stat().st_size),
    }
    hub.commit(REPO, "step4", both | {"config.json": json.dumps(CONFIG | {"vocab_size": 41}).encode()})
    assert run().loc[4, "status"] == "wrong-shape"  # neither format has the architecture of the other steps
    hub.commit(REPO, "step4", both)
    table = run()
    assert (table.loc[4, "status"], table.loc[4, "format"]) == ("recovered", "bin")
    assert table.loc[4, "detail"].startswith("recovered from another format of the same commit")
    assert "model.safetensors has no safetensors header" in table.loc[4, "detail"]


def test_mirrors_are_looked_at_in_order_and_audited(hub: LocalHub, suite: Suite, tmp_path: Path) -> None:
    suite.put("step2", 8)
    suite.put("step4", 8)
    for step, seed in ((1, 1), (2, 22), (4, 22), (8, 8)):  # this mirror has a copy of its own
        suite.put(f"step{step}", seed, repo="backup/pythia-tiny-v1")
    for step in STEPS:
        write_folder(tmp_path / "disk" / "pythia-tiny" / f"s{step}", step)
    hub_mirror, disk = Mirror(hub="backup/{model}-v1"), Mirror(folder=f"{tmp_path}/disk/{{model}}/s{{step}}")
    only_hub = run(hub_mirror)
    assert list(only_hub["used"]) == [True, False, False, True]
    assert "backup/{model}-v1: duplicate-of-step4 there too" in only_hub.loc[2, "detail"]
    both = run(hub_mirror, disk)
    assert list(both["status"]) == ["ok", "recovered", "recovered", "ok"]
    assert both.loc[4, "source"] == f"folder:{tmp_path}/disk/pythia-tiny/s4"
    assert "s4 of the mirror" in both.loc[4, "detail"]
    suite.put("step4", 4, repo="backup/pythia-tiny-v1")
    assert list(run(hub_mirror, disk)["source"])[1:3] == ["hub:backup/pythia-tiny-v1"] * 2
    assert "from the mirror backup/{model}-v1" in anomaly_note(run(hub_mirror).reset_index())


def test_a_mirrors_own_branch_names(hub: LocalHub, suite: Suite) -> None:
    suite.put("step2", 8)
    suite.put("step4", 4)
    suite.put("ckpt-2", 2, repo="backup/all")
    table = run(Mirror(hub="backup/all", revision="ckpt-{step}"))
    assert table.loc[2, "revision"] == "ckpt-2"


def test_a_mirror_that_copies_the_suite_heals_nothing(hub: LocalHub, suite: Suite) -> None:
    for step, seed in ((2, 8), (4, 4)):
        suite.put(f"step{step}", seed)
        suite.put(f"step{step}", seed, repo="backup/all")
    table = run(Mirror(hub="backup/all"))
    assert "backup/all: equal to main" in table.loc[2, "detail"]
    assert not table.loc[2, "used"]


def test_a_mirror_of_another_architecture_is_refused(hub: LocalHub, suite: Suite, tmp_path: Path) -> None:
    suite.put("step2", 8)
    suite.put("step4", 4)
    other = write_folder(tmp_path / "other", 2)
    (other / "config.json").write_text(json.dumps(CONFIG | {"model_type": "llama", "num_attention_heads": 4}))
    hub.commit("backup/all", "step2", other)
    table = run(Mirror(hub="backup/all"))
    assert not table.loc[2, "used"]
    assert "backup/all: another architecture: model_type llama, not gpt_neox" in table.loc[2, "detail"]


@pytest.mark.parametrize(
    ("mirror", "said"),
    [
        (Mirror(hub="backup/nowhere"), r"^checkpoints.mirrors: backup/nowhere: .*no such repository"),
        (Mirror(folder="/nowhere/{step}"), r"^checkpoints.mirrors: /nowhere/\{step\}: .*no folder matches"),
        (Mirror(hub="EleutherAI/{model}", revision="s{step}"), r"none of the 5 branches .* matches 's\{step\}'"),
    ],
)
def test_a_mirror_that_does_not_exist(hub: LocalHub, suite: Suite, mirror: Mirror, said: str) -> None:
    suite.put("step2", 8)
    suite.put("step4", 4)
    with pytest.raises(UserError, match=said) as error:
        run(mirror)
    assert "\n" not in str(error.value)


def test_a_mirror_that_only_one_of_two_sick_models_has(hub: LocalHub, suite: Suite) -> None:
    for repo in (REPO, "EleutherAI/pythia-other"):
        for branch, seed in (("step1", 1), ("step2", 8), ("step4", 4), ("step8", 8), ("main", 8)):
            suite.put(branch, seed, repo=repo)
    suite.put("step2", 2, repo="backup/pythia-tiny")
    models = (source(), source(model="pythia-other"))
    table = audit(AuditSpec(models, "recover", recovery=Recovery(20, (Mirror(hub="backup/{model}"),))))
    assert list(table["used"]) == [True] * 5 + [False] + [True] * 2
    assert "backup/{model}: not there" in table.loc[5, "detail"]


def test_of_two_equal_ones_the_evidence_is_said(hub: LocalHub, suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    suite.put("step2", 2, date="2024-01-02")
    suite.put("step4", 2, date="2024-05-05")
    with caplog.at_level(logging.INFO):
        table = run()
    assert list(table["used"]) == [True, False, False, True]
    said = next(line for line in caplog.messages if "hold the same weights" in line)
    assert "step 2 and step 4" in said
    assert re.search(r"step 2 is commit \w{12} of 2024-01-02, beside step 1 of 2024-01-01, step 4 of 2024-05-05", said)
    assert re.search(r"step 4 is commit \w{12} of 2024-05-05", said)


@pytest.mark.parametrize(("copied", "used"), [("2024-03-03", True), ("2023-01-01", False)])
def test_the_other_of_two_equal_ones_is_right_by_elimination(
    hub: LocalHub, suite: Suite, copied: str, used: bool
) -> None:
    suite.put("step2", 2, date="2024-01-02")
    suite.put("step4", 4, date="2023-01-01")
    suite.put("step4", 2, date=copied)  # step 4 has weights of its own in its past
    table = run()
    assert table.loc[4, "status"] == "recovered"
    assert bool(table.loc[2, "used"]) is used
    if used:
        assert table.loc[2, "detail"].startswith("recovered from elimination: these weights also lie under step 4")


@pytest.mark.parametrize("answer", ["429", "404", "empty"])
def test_bad_answers_to_the_list_of_commits(hub: LocalHub, suite: Suite, waits: list[float], answer: str) -> None:
    suite.put("step2", 2, 8)
    suite.put("step4", 4)
    if answer == "empty":
        hub.repos["models", REPO].past["step2"] = []
    else:
        hub.fail("/commits/step2", int(answer), times=1, Retry_After="7")
    table = run()
    if answer == "429":
        assert table.loc[2, "status"] == "recovered"
        assert any(7 <= wait <= 8 for wait in waits)
    else:
        assert not table.loc[2, "used"]
        assert "its branch has no earlier commit that could be looked at" in table.loc[2, "detail"]


def test_few_requests_none_for_weights_and_their_number_is_said(
    hub: LocalHub, suite: Suite, caplog: pytest.LogCaptureFixture
) -> None:
    steps = tuple(2**k for k in range(8))
    for step in steps:
        for model in range(8):
            suite.put(f"step{step}", 1000 * model + step + 3000, repo=f"EleutherAI/m{model}")
    for step in steps[:-1]:
        suite.put(f"step{step}", 3000 + steps[-1], repo="EleutherAI/m0")
    for model in range(8):
        suite.put("main", 1000 * model + steps[-1] + 3000, repo=f"EleutherAI/m{model}")
    healthy = AuditSpec(tuple(source(steps, f"m{model}") for model in range(1, 8)), "recover")
    audit(healthy)
    assert not hub.requests("/commits/")
    models = (source(steps, "m0"), *healthy.models)
    hub.seen.clear()
    audit(AuditSpec(models, "exclude"))
    without = len(hub.seen)
    hub.seen.clear()
    with caplog.at_level(logging.INFO):
        table = audit(AuditSpec(models, "recover"))
    assert (table["status"] == "recovered").sum() == 7
    assert len(hub.requests("/commits/")) == 8  # the seven sick branches, and main once
    assert len(hub.seen) - without == MORE_REQUESTS
    assert f"audit: {len(hub.seen)} requests to the hub" in caplog.messages
    assert all(seen.range for seen in hub.requests("/storage/"))
