import re
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb

from trajectories.errors import UserError
from trajectories.figures.accuracy import accuracy_figure, draw_accuracy
from trajectories.figures.panels import columns_for
from trajectories.figures.shown import TaskLabel, models_by_size, read_accuracy, read_task_labels, value_text
from trajectories.figures.style import PRINT_DPI, WIDTHS
from trajectories.tables import COLUMNS, write_table

LABELS = (
    TaskLabel("truth", "mc2", "Truth <MC2> & $1"),
    TaskLabel("memo", "accuracy", "Memo Trap", chance=0.5),
)


def data_lines(panel: Axes) -> list[tuple[list[float], list[float]]]:
    lines = [line for line in panel.lines if len(np.asarray(line.get_xdata())) > 2]
    return [(list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata()))) for line in lines]


def test_panels_hold_the_tables_numbers_in_the_order_given(accuracy_file: Path) -> None:
    table = read_accuracy(accuracy_file)
    figure = accuracy_figure(table, LABELS, frozenset(), bands=False, width="two")
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["Truth <MC2> & $1", "Memo Trap"]
    for place, (x, y) in enumerate(data_lines(figure.axes[1])):
        assert y == pytest.approx([0.3 + 0.1 * place + 0.002 * step for step in (0, 1, 10, 100)])
        assert x[1:] == [1_000, 10_000, 100_000]
        assert 0 < x[0] < 1_000, "step 0 has no logarithm and stands left of the smallest"


def test_chance_is_marked_only_where_it_is_known(accuracy_file: Path) -> None:
    figure = accuracy_figure(read_accuracy(accuracy_file), LABELS, frozenset(), bands=False, width="two")
    level = [[line for line in panel.lines if len(np.asarray(line.get_xdata())) == 2] for panel in figure.axes]
    assert [len(lines) for lines in level] == [0, 1]
    assert np.asarray(level[1][0].get_ydata()) == pytest.approx(0.5)


def test_bands_are_one_standard_error(accuracy_file: Path) -> None:
    figure = accuracy_figure(read_accuracy(accuracy_file), LABELS[1:], frozenset(), bands=True, width="one")
    bands = [
        c for c in figure.axes[0].collections if isinstance(c, PolyCollection) and not isinstance(c, PathCollection)
    ]
    heights = np.asarray(bands[0].get_paths()[0].vertices)[:, 1]
    assert len(bands) == 3
    assert heights.min() == pytest.approx(0.28)
    assert heights.max() == pytest.approx(0.52)


def test_doubtful_checkpoints_are_hollow(accuracy_file: Path) -> None:
    table = read_accuracy(accuracy_file)
    figure = accuracy_figure(table, LABELS[1:], frozenset({("large", 10)}), bands=False, width="one")
    hollow = [
        [round(float(y), 6) for y in np.asarray(marks.get_offsets())[:, 1]]
        for marks in figure.axes[0].collections
        if isinstance(marks, PathCollection) and np.allclose(marks.get_facecolor(), 1)
    ]
    assert hollow == [[0.52]]
    assert "doubtful checkpoint" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_constant_answers_have_a_tick_in_their_own_panel_alone(accuracy: pd.DataFrame) -> None:
    constants = frozenset({("small", 10, "memo"), ("large", 100, "elsewhere")})
    made = {said: accuracy_figure(accuracy, LABELS, frozenset(), bands=False, width="two", constants=said)
            for said in (constants, frozenset({("large", 100, "elsewhere")}))}  # fmt: skip
    ticks = [
        [
            np.asarray(marks.get_offsets())[:, 1].round(6).tolist()
            for marks in panel.collections
            if marks.get_zorder() == 6
        ]
        for panel in made[constants].axes
    ]
    places = {label.task: own for label, own in zip(LABELS, ticks, strict=False)}
    assert places["memo"] == [[0.42]]
    assert places["truth"] == []
    named = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in made.values()]
    assert ["constant answers" in names for names in named] == [True, False]


def test_models_go_by_size_not_by_name(accuracy: pd.DataFrame) -> None:
    assert models_by_size(accuracy) == ["tiny", "small", "large"]


def test_files_keep_text_as_text_and_are_the_same_twice(accuracy_file: Path, tmp_path: Path) -> None:
    out = [tmp_path / f"figure.{kind}" for kind in ("pdf", "svg", "png")]
    draw_accuracy(accuracy_file, LABELS, out)
    first = [path.read_bytes() for path in out]
    assert first[0].startswith(b"%PDF")
    assert b"/Type3" not in first[0]
    assert b"/FontFile2" in first[0], "TrueType letters are embedded"
    svg = first[1].decode()
    assert re.search(r"<text[^>]*>Truth &lt;MC2&gt; &amp; \$1</text>", svg)
    pixels = struct.unpack(">I", first[2][16:20])[0]
    assert pixels == pytest.approx(WIDTHS["two"] * PRINT_DPI, abs=1)
    draw_accuracy(accuracy_file, LABELS, out)
    assert [path.read_bytes() for path in out] == first


def test_a_task_without_rows_is_named(accuracy_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'memo'.*'mc9'"):
        draw_accuracy(accuracy_file, [TaskLabel("memo", "mc9", "Memo")], [tmp_path / "x.svg"])
    assert not (tmp_path / "x.svg").exists()


def test_an_empty_table_is_said_to_be_empty(accuracy: pd.DataFrame, tmp_path: Path) -> None:
    write_table(accuracy.head(0), tmp_path / "empty.tsv", "accuracy")
    with pytest.raises(UserError, match=r"empty\.tsv"):
        draw_accuracy(tmp_path / "empty.tsv", LABELS, [tmp_path / "x.svg"])


def test_labels_come_from_the_table_of_tasks(tmp_path: Path) -> None:
    rest = dict.fromkeys(COLUMNS["tasks"], "x") | {"part_of": ""}
    rows = [
        rest | {"task": "truth", "label": "Truth <MC2> & $1", "metric": "mc2", "chance": None},
        rest | {"task": "memo", "label": "Memo Trap", "metric": "accuracy", "chance": 0.5},
        rest | {"task": "part", "label": "Part", "metric": "accuracy", "chance": 0.5, "part_of": "whole"},
    ]
    write_table(pd.DataFrame(rows), tmp_path / "tasks.tsv", "tasks")
    assert read_task_labels(tmp_path / "tasks.tsv") == LABELS


def test_models_go_by_their_display_names(accuracy_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure.svg"
    draw_accuracy(accuracy_file, LABELS, [out], names={"large": "900k & more"})
    text = out.read_text()
    assert ">900k &amp; more</text>" in text
    assert ">large</text>" not in text
    assert ">small</text>" in text


def test_axes_name_what_they_show() -> None:
    assert value_text(LABELS) == "Accuracy"
    assert value_text([TaskLabel("memo", "loss", "Memo")]) == "Loss (nats)"
    assert value_text([*LABELS, TaskLabel("memo", "loss", "Memo")]) == "Accuracy, or as said"
    assert value_text([TaskLabel("memo", "margin", "Memo"), TaskLabel("memo", "loss", "Memo")]) == "Value"
    assert TaskLabel("text", "bits_per_byte", "Held-out Text").titled == "Held-out Text (bits per byte)"
    assert TaskLabel("memo", "mc1", "Memo").titled == "Memo"


@pytest.mark.parametrize(("axis", "first", "named"), [("loss", 3.0, "Text"), ("compute", 6e6, "compute")])
def test_other_axes_than_tokens(axis: str, first: float, named: str) -> None:
    steps = (1, 10, 100)
    common = {"model": "m", "parameters": 1000, "stderr": 0.01, "questions": 10}
    rows = [
        {**common, "step": step, "tokens": step * 1000, "task": task, "metric": metric, "value": value}
        for place, step in enumerate(steps)
        for task, metric, value in (("memo", "accuracy", 0.5 + place / 10), ("text", "bits_per_byte", 3.0 - place))
    ]
    tasks = [TaskLabel("memo", "accuracy", "Memo"), TaskLabel("text", "bits_per_byte", "Text")]
    table = pd.DataFrame(rows)
    figure = accuracy_figure(table, tasks, frozenset(), bands=False, width="two", axis=axis, text="text")
    (x, y), *_ = data_lines(figure.axes[0])
    assert (x[0], len(x)) == (pytest.approx(first), 3)
    assert y == pytest.approx([0.5, 0.6, 0.7])
    left, right = figure.axes[0].get_xlim()
    assert (left > right) == (axis == "loss")
    assert len(figure.axes) == (1 if axis == "loss" else 2)
    assert named in figure.get_supxlabel()


def test_perplexities_are_drawn_on_a_log_axis_with_bands_that_stay_positive() -> None:
    common = {"model": "m", "parameters": 1000, "task": "word", "metric": "perplexity", "questions": 10}
    rows = [{**common, "step": s, "tokens": 1000 * s, "value": 10.0**6 / s, "stderr": 2e6 / s} for s in (1, 10, 100)]
    label = TaskLabel("word", "perplexity", "Word")
    figure = accuracy_figure(pd.DataFrame(rows), [label], frozenset(), bands=True, width="two")
    assert figure.axes[0].get_yscale() == "log"
    (band,) = [part for part in figure.axes[0].collections if isinstance(part, PolyCollection)]
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert heights.min() == pytest.approx(1e4 / np.exp(2))


def test_runs_of_a_size_share_a_colour_and_their_mean_is_strong(accuracy: pd.DataFrame) -> None:
    again = accuracy.assign(model=accuracy["model"] + "-again", value=accuracy["value"] + 0.1)
    table = pd.concat([accuracy, again]).sort_values(["parameters", "model", "step"], ignore_index=True)
    figure = accuracy_figure(table, LABELS[:1], frozenset(), bands=False, width="two")
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    thin, strong = ([line for line in lines if (line.get_linewidth() > 1) == wide] for wide in (False, True))
    models = table["model"].nunique()
    assert (len(thin), len(strong)) == (models, models // 2)
    assert {line.get_color() for line in thin} == {line.get_color() for line in strong}
    middle = {tuple(np.round(line.get_ydata(), 6)) for line in strong}
    pairs = {tuple(np.round(line.get_ydata() + 0.05, 6)) for line in thin}
    assert middle <= pairs
    apart = accuracy_figure(
        table, LABELS[:1], frozenset(), bands=False, width="two", sizes={m: m for m in table["model"].unique()}
    )
    assert len({line.get_color() for line in apart.axes[0].lines if len(line.get_xdata()) > 2}) == models


def test_two_runs_of_a_size_are_told_apart(accuracy: pd.DataFrame) -> None:
    again = accuracy.assign(model=accuracy["model"] + "-again", value=accuracy["value"] + 0.1)
    table = pd.concat([accuracy, again], ignore_index=True)
    figure = accuracy_figure(table, LABELS[:1], frozenset(), bands=False, width="two")
    thin = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2 and line.get_linewidth() < 1]
    assert len({(line.get_color(), str(line.get_linestyle())) for line in thin}) == table["model"].nunique()
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"1k (2 runs)", "tiny", "tiny-again"} <= set(said)


@pytest.mark.parametrize(("panels", "across"), [(1, 1), (4, 4), (5, 5), (6, 3), (8, 4), (12, 4), (13, 5), (17, 3)])
def test_columns_leave_the_last_row_fullest(panels: int, across: int) -> None:
    assert columns_for(panels, "two") == across
    assert columns_for(panels, "one") == min(panels, 2)


def test_suites_have_a_hue_each_and_sizes_of_their_own(accuracy: pd.DataFrame) -> None:
    other = accuracy.assign(model=accuracy["model"] + "-other", value=accuracy["value"] + 0.1)
    table = pd.concat([accuracy, other], ignore_index=True)
    suites = {model: "other" if model.endswith("-other") else "own" for model in table["model"].unique()}
    figure = accuracy_figure(table, LABELS[:1], frozenset(), bands=False, width="two", suites=suites)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert all(line.get_linewidth() >= 0.9 for line in lines), "nobody is a run of another suite's size"
    colours = [to_rgb(str(line.get_color())) for line in lines]
    assert len(set(colours)) == len(lines) == 6
    assert sorted(red > blue for red, _, blue in colours) == [False] * 3 + [True] * 3, "blues and oranges"
