import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from support.loading import loaded_by
from support.made_report import LABELS, NASTY, made_accuracy, made_report
from trajectories.analysis.regression import write_regression
from trajectories.analysis.table1 import write_table1
from trajectories.analysis.trends import write_trends
from trajectories.report.curves import MOST_VALUES, curves
from trajectories.report.embed import safe_json, security_policy
from trajectories.report.page import Head, write_report
from trajectories.report.provenance import Provenance
from trajectories.tables import read_table, write_table

EMPTY = Provenance({}, "", pd.DataFrame())


class Reader(HTMLParser):
    """Collect what a browser would: elements, their texts, addresses and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.anchors: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open = tag
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given["id"]} if tag == "section" else set()
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        if tag == "script" and not given.get("type"):
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open == "script" and self.scripts:
            self.scripts[-1] += data
        elif self.open != "style":
            self.texts.append(data)


def test_sections_appear_only_with_their_tables(tables: dict[str, Path], tmp_path: Path) -> None:
    few = tmp_path / "few.html"
    write_report(few, Head("Few", "harness"), LABELS, {"accuracy": tables["accuracy"]}, {}, EMPTY)
    assert Reader(few.read_text()).anchors == {"answer", "curves", "provenance", "cite"}
    more = tmp_path / "more.html"
    write_report(more, Head("More", "harness"), LABELS, tables, {}, EMPTY)
    assert Reader(more.read_text()).anchors == {
        "answer", "findings", "curves", "table1", "effects", "audit", "provenance", "cite",
    }  # fmt: skip


def test_text_from_config_and_files_stays_text(report: Path) -> None:
    page = Reader(report.read_text())
    assert page.tags.count("script") == 3, "the data, the plotting library and the page's own, nobody else's"
    assert "b" not in page.tags
    shown = " ".join(page.texts)
    assert shown.count("<b>bold</b>") >= 3, "title, provenance and tables show the label as it was written"


def test_the_policy_admits_exactly_the_pages_own_scripts(report: Path) -> None:
    text = report.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    allowed = re.findall(r"sha256-([A-Za-z0-9+/=]+)", policy[1].replace("&#39;", "'"))
    scripts = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in Reader(text).scripts]
    assert sorted(allowed) == sorted(scripts)
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "unsafe-inline" not in policy[1].split("style-src")[0]


def test_nothing_is_fetched_from_anywhere(report: Path) -> None:
    addresses = Reader(report.read_text()).addresses
    assert all(address.startswith(("data:", "#", "figures/")) for address in addresses)
    assert {address for address in addresses if address.startswith("figures/")} == {"figures/accuracy.pdf"}


def test_curve_data_is_what_the_table_says(report: Path, tables: dict[str, Path]) -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', report.read_text(), re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert [source["name"] for source in data["sources"]] == ["harness protocol", "paper (published)"]
    assert [model["name"] for model in data["models"]] == ["tiny", "small", "large"]
    assert data["tasks"][0]["label"] == NASTY
    small = data["sources"][0]["panels"]["memo"]["accuracy"]["small"]
    assert data["sources"][0]["lines"]["small"]["step"] == [0, 1, 10, 100, 1000]
    assert data["sources"][0]["lines"]["small"]["doubtful"] == [2]
    table = pd.read_csv(tables["accuracy"], sep="\t")
    rows = table[(table["model"] == "small") & (table["task"] == "memo") & (table["metric"] == "accuracy")]
    assert small["value"] == pytest.approx(rows["value"].tolist(), rel=5e-5)


def test_a_large_study_keeps_to_what_its_panels_show(tables: dict[str, Path]) -> None:
    table = pd.read_csv(tables["accuracy"], sep="\t")
    steps = range(1, 1 + MOST_VALUES // len(table) + 1)
    large = pd.concat([table.assign(step=table["step"] + 10_000 * step) for step in steps])
    source = curves({"all": large}, LABELS)["sources"][0]
    assert {task: list(metrics) for task, metrics in source["panels"].items()} == {
        label.task: [label.metric] for label in LABELS
    }


@pytest.mark.parametrize("value", ["</script>", "<!--", "a & b", "\u2028\u2029", {"</script>": ["<b>"]}])
def test_safe_json_comes_back_the_same_and_holds_no_markup(value: object) -> None:
    text = safe_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_safe_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        safe_json([float("nan")])


def test_the_policy_names_hashes_only() -> None:
    policy = security_policy(["alert(1)"])
    digest = base64.b64encode(hashlib.sha256(b"alert(1)").digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy


def test_a_study_without_any_statistic_still_has_its_page(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"{kind}.tsv" for kind in ("accuracy", "regression", "table1", "trends", "declines")}
    accuracy = made_accuracy()
    one = accuracy[(accuracy["model"] == "tiny") & (accuracy["step"] == 0)].assign(stderr=float("nan"), value=0.5)
    write_table(one, files["accuracy"], "accuracy")
    metrics = {"memo": "accuracy", "truth": "mc1"}
    write_regression(files["accuracy"], files["regression"], metrics)
    write_table1(files["regression"], files["table1"], tmp_path / "table1.md", {})
    write_trends(files["accuracy"], files["trends"], files["declines"], metrics)
    write_report(tmp_path / "page.html", Head("One", "harness", beside_paper=True), LABELS, files, {}, EMPTY)
    page = Reader((tmp_path / "page.html").read_text())
    assert {"curves", "table1"} <= page.anchors
    assert "findings" not in page.anchors
    assert "This study allows no regression" in " ".join(page.texts), "the page says so first"
    assert page.texts.count("NA") == 6
    assert "Truthful QA has no result: no values." in " ".join(page.texts)


def test_constant_answers_are_counted_and_ticked(tables: dict[str, Path], tmp_path: Path) -> None:
    accuracy = read_table(tables["accuracy"], "accuracy")
    rows = accuracy.drop_duplicates(["model", "step", "task"])[["model", "step", "task"]]
    constant = (rows["model"] == "small") & (rows["task"] == "memo") & (rows["step"] > 9)
    columns = ("share_position", "share_text", "entropy", "constant_accuracy", "balanced_accuracy")
    answers = rows.assign(**dict.fromkeys(columns, 1.0), constant=constant, by="answers")
    write_table(answers, tmp_path / "answers.tsv", "answers")
    page = made_report(tables | {"answers": tmp_path / "answers.tsv"}, tmp_path).read_text()
    assert "<dt>3</dt><dd>of 30 points are constant answers</dd>" in page
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    panels = json.loads(found[1])["sources"][0]["panels"]
    assert panels["memo"]["accuracy"]["small"]["constant"] == [2, 3, 4]
    assert "constant" not in panels["truth"]["mc1"]["small"]


def test_nothing_of_statistics_and_figures_is_loaded_for_a_page() -> None:
    """It reads tables: what fits and draws would cost seconds of each run."""
    heavy = ("scipy", "statsmodels", "matplotlib.figure", "torch", "transformers")
    assert loaded_by("trajectories.report.stage", *heavy, "pandas") == ["pandas"]
