import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from trajectories.analysis.compare import compare_table
from trajectories.analysis.regression import fit_regression, regression_table
from trajectories.analysis.trends import trends_table
from trajectories.figures.accuracy import draw_accuracy
from trajectories.figures.coefficients import coefficients_figure, draw_coefficients, with_intervals
from trajectories.figures.colours import size_colours
from trajectories.figures.models import draw_models, models_figure, trend_look
from trajectories.figures.replication import draw_replication, replication_figure
from trajectories.figures.shown import TaskLabel
from trajectories.figures.style import FALL, NONE, PRINT_DPI, RISE, Column, figure_style
from trajectories.figures.surface import draw_surface, fitted_points, surface_figure
from trajectories.tables import write_table

LABELS = (TaskLabel("falls", "accuracy", "Falls & <b>"), TaskLabel("flat", "accuracy", "Flat $x$"))
METRICS = {"falls": "accuracy", "flat": "accuracy"}


@pytest.fixture
def table() -> pd.DataFrame:
    """Four models, five steps; `falls` falls with both, `flat` never varies, so it has no fit."""
    noise = np.random.default_rng(5)
    rows = [
        {
            "model": f"m{size}", "parameters": 10**size, "step": step, "tokens": step * 100, "task": task,
            "metric": "accuracy", "stderr": 0.01, "questions": 100,
            "value": 0.5 if task == "flat" else 0.9 - 0.05 * size * np.log10(step + 1) + noise.normal(0, 0.005),
        }
        for size in (3, 4, 5, 6)
        for step in (0, 1, 10, 100, 1000)
        for task in METRICS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_intervals_are_those_of_statsmodels(table: pd.DataFrame) -> None:
    regression = with_intervals(regression_table(table, METRICS))
    points = table[(table["task"] == "falls") & (table["tokens"] > 0)]
    expected = fit_regression(points).conf_int(0.05)[1:]
    found = regression[regression["task"] == "falls"][["low", "high"]].to_numpy()
    assert found == pytest.approx(expected, rel=1e-9)


def test_significant_coefficients_are_filled_and_missing_ones_say_why(table: pd.DataFrame) -> None:
    figure = coefficients_figure(regression_table(table, METRICS), LABELS, alpha=0.05, width="two")
    tokens = figure.axes[1]
    dots = [c for c in tokens.collections if isinstance(c, PathCollection)]
    assert len(dots) == 1
    assert to_hex(np.asarray(dots[0].get_facecolor())[0]) == FALL
    assert [text.get_text().strip() for text in tokens.texts] == ["the value never varies"]
    strict = coefficients_figure(regression_table(table, METRICS), LABELS, alpha=0.0, width="one")
    hollow = next(c for c in strict.axes[1].collections if isinstance(c, PathCollection))
    assert to_hex(np.asarray(hollow.get_facecolor())[0]) == "#ffffff"


@pytest.mark.parametrize("width", ["one", "two"])
def test_numbers_under_the_coefficients_do_not_collide(table: pd.DataFrame, width: Column) -> None:
    with figure_style():
        figure = coefficients_figure(regression_table(table, METRICS), LABELS, alpha=0.05, width=width)
        figure.draw_without_rendering()
    for panel in figure.axes:
        low, high = panel.get_xlim()
        seen = [text for at, text in zip(panel.get_xticks(), panel.get_xticklabels(), strict=True) if low <= at <= high]
        boxes = [text.get_window_extent() for text in seen]
        assert len(boxes) > 1
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_fitted_surface_is_the_regressions_own(table: pd.DataFrame) -> None:
    points = fitted_points(table, regression_table(table, METRICS), LABELS[0])
    result = fit_regression(points)
    value = points["value"].to_numpy()
    expected = value.mean() + value.std(ddof=1) * result.fittedvalues
    assert points["fitted"].to_numpy() == pytest.approx(expected, abs=1e-12)
    assert points["residual"].sum() == pytest.approx(0, abs=1e-12)


def test_surface_without_a_fit_shows_what_was_observed(table: pd.DataFrame) -> None:
    points = fitted_points(table, regression_table(table, METRICS), LABELS[1])
    assert points["fitted"].isna().all()
    assert points["observed"].tolist() == [0.5] * 16, "step 0 has no place on a log axis"
    figure = surface_figure(table, regression_table(table, METRICS), LABELS, width="two")
    (page,) = figure.axes
    middle = page.get_xlim()[1] / 2
    assert [text.get_position()[0] > middle for text in page.texts if text.get_text() == "no fit"] == [True, True]


def test_the_surfaces_colours_have_scales(table: pd.DataFrame) -> None:
    regression = regression_table(table, METRICS)
    points = fitted_points(table, regression, LABELS[0])
    figure = surface_figure(table, regression, LABELS[:1], width="two")
    (page,) = figure.axes
    both = points[["observed", "fitted"]].to_numpy()
    most = points["residual"].abs().max()
    ends = [pytest.approx((both.min(), both.max()))] * 2 + [pytest.approx((-most, most))]
    assert [image.get_clim() for image in page.images] == [*ends, ends[0], ends[2]], "maps, then the scales under them"
    scales = [np.asarray(image.get_array())[0] for image in page.images[3:]]
    assert [(scale[0], scale[-1]) for scale in scales] == [ends[0], ends[2]]
    numbers = {f"{end:.2g}".replace("-", "\u2212") for end in (both.min(), both.max(), -most, most)}
    assert numbers <= {text.get_text() for text in page.texts}


@pytest.mark.parametrize("width", ["one", "two"])
def test_nothing_on_the_surface_collides_or_is_cut_off(table: pd.DataFrame, width: Column) -> None:
    """Numbers as long as they get; a second task beside the first."""
    minus = table.assign(value=-0.0999 * table["value"])
    labels = (LABELS[0], TaskLabel("falls", "accuracy", "Falls again"))
    with figure_style():
        figure = surface_figure(minus, regression_table(minus, METRICS), labels, width=width)
        figure.set_dpi(PRINT_DPI)
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(figure.bbox.containsx(x) and figure.bbox.containsy(y) for box in boxes for x, y in box.get_points())
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize(("models", "named"), [(8, 8), (61, 20)])
def test_names_of_the_surfaces_rows_do_not_collide(table: pd.DataFrame, models: int, named: int) -> None:
    first = table[(table["step"] < 100) & (table["model"] == "m3") & (table["task"] == "falls")]
    many = pd.concat([first.assign(model=f"n{n}", parameters=1000 + n) for n in range(models)])
    with figure_style():
        figure = surface_figure(many, regression_table(many, METRICS), LABELS[:1], width="two")
        figure.draw_without_rendering()
    written = [text for text in figure.axes[0].texts if text.get_text() in set(many["model"])]
    boxes = sorted((text.get_window_extent() for text in written), key=lambda box: float(box.y0))
    assert named / 2 < len(boxes) <= named
    assert figure.get_figheight() < 2.5
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(boxes))


def test_replication_colours_only_what_differs(table: pd.DataFrame) -> None:
    ours = table.copy()
    ours.loc[ours.index[2], "value"] += 0.2
    compared = compare_table(ours, table, METRICS, 0.05)
    figure = replication_figure(compared, LABELS, width="two")
    colours = [
        to_hex(np.asarray(marks.get_facecolor())[0])
        for marks in figure.axes[0].collections
        if isinstance(marks, PathCollection)
    ]
    assert sorted(colours) == sorted([RISE, NONE])


@pytest.mark.parametrize(
    ("trend", "p", "sign", "colour", "strong"),
    [
        (0.9, 0.01, 1, RISE, True),
        (-0.9, 0.01, 1, FALL, True),
        (-0.9, 0.01, -1, RISE, True),
        (-0.9, 0.05, 1, FALL, False),
        (0.9, float("nan"), 1, NONE, False),
        (0.0, 1.0, 1, NONE, False),
    ],
)
def test_direction_and_significance_are_drawn_apart(
    trend: float, p: float, sign: float, colour: str, strong: bool
) -> None:
    look = trend_look(trend, p, 0.05, sign)
    assert look["color"] == colour
    assert (look["linewidth"] > 1) == strong


def test_models_figure_has_a_band_per_model_in_each_task(table: pd.DataFrame) -> None:
    figure = models_figure(table, trends_table(table, METRICS), LABELS, alpha=0.2, width="two")
    falls, flat = figure.axes
    assert [text.get_text() for text in falls.get_yticklabels()] == ["m6", "m5", "m4", "m3"]
    for panel, colour in ((falls, FALL), (flat, NONE)):
        lines = [line for line in panel.lines if len(line.get_xdata()) == 5]
        assert {str(line.get_color()) for line in lines} == {colour}
        bands = [{int(y) for y in np.asarray(line.get_ydata())} for line in lines]
        assert sorted(band.pop() for band in bands if len(band) == 1) == [0, 1, 2, 3]


def test_step_0_squashes_no_band(table: pd.DataFrame) -> None:
    """The best checkpoint at step 0 lies where its line starts, half a decade left of the first one with tokens."""
    late = table[(table["step"] == 0) | (table["step"] >= 100)].assign(tokens=lambda rows: rows["tokens"] * 10**6)
    trends = trends_table(late, METRICS).assign(best_step=0, drop_p_fdr=0.0)
    figure = models_figure(late, trends, LABELS, alpha=0.05, width="two")
    xs = [np.asarray(line.get_xdata(), float) for line in figure.axes[0].lines if len(line.get_xdata())]
    assert max(x.max() for x in xs) - min(x.min() for x in xs) == pytest.approx(1.5)
    dots = [x[0] for x in xs if len(x) == 1]
    assert dots
    assert min(dots) == min(x.min() for x in xs)


@pytest.mark.parametrize("width", ["one", "two"])
def test_long_titles_of_the_models_figure_are_not_cut_off(table: pd.DataFrame, width: Column) -> None:
    labels = (
        TaskLabel("falls", "accuracy", "A long name before the last"),
        TaskLabel("flat", "accuracy", "Pattern Completion (ordinary)"),
    )
    with figure_style():
        figure = models_figure(table, trends_table(table, METRICS), labels, alpha=0.2, width=width)
        figure.draw_without_rendering()
    for panel, label in zip(figure.axes, labels, strict=False):
        title = panel.texts[0]
        assert title.get_text() == label.label
        end = title.get_window_extent()
        assert end.x1 <= figure.bbox.x1
        assert end.y1 <= figure.bbox.y1


def test_every_figure_is_written_in_every_format_and_width(table: pd.DataFrame, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"{kind}.tsv" for kind in ("accuracy", "regression", "trends", "compare")}
    write_table(table, files["accuracy"], "accuracy")
    write_table(regression_table(table, METRICS), files["regression"], "regression")
    write_table(trends_table(table, METRICS), files["trends"], "trends")
    write_table(compare_table(table, table, METRICS, 0.05), files["compare"], "compare")
    out = [tmp_path / f"figure.{kind}" for kind in ("svg", "pdf", "png")]
    drawings = {
        "coefficients": lambda: draw_coefficients(files["regression"], LABELS, out, width="one"),
        "surface": lambda: draw_surface(files["accuracy"], files["regression"], LABELS, out, width="one"),
        "replication": lambda: draw_replication(files["compare"], LABELS, out, width="one"),
        "models": lambda: draw_models(files["accuracy"], files["trends"], LABELS, out, width="one"),
    }
    for name, draw in drawings.items():
        draw()
        assert "Falls &amp; &lt;b&gt;</text>" in out[0].read_text(), name
        assert out[1].read_bytes().startswith(b"%PDF"), name
        assert out[2].read_bytes().startswith(b"\x89PNG"), name


def test_colours_run_from_light_to_dark() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2

    shades = [lightness(colour) for colour in size_colours({f"m{n}": 10.0**n for n in range(8)}).values()]
    assert shades == sorted(shades, reverse=True)
    assert shades[0] < 0.75, "even the lightest stands out from white"


def test_colours_go_by_size_and_not_by_rank() -> None:
    wide, narrow = (size_colours({"a": 1e6, "b": near, "c": 1e9}) for near in (10**7.5, 1.1e6))
    even = size_colours({"a": 1e6, "b": 1e6, "c": 1e6})
    assert wide == even, "in the middle of the logarithms, or alike"
    assert len({narrow["a"], narrow["b"], wide["b"], wide["c"]}) == 4, "neighbours stay apart"
    assert wide["a"] == narrow["a"]
    assert wide["c"] == narrow["c"]


@pytest.mark.parametrize(("models", "steps"), [(1, (0,)), (1, (1, 10)), (3, (0,)), (3, (5,))])
def test_a_study_too_small_for_statistics_still_has_its_figures(
    table: pd.DataFrame, tmp_path: Path, models: int, steps: tuple[int, ...]
) -> None:
    few = pd.concat([table[table["step"] == 0].assign(step=step, tokens=step * 100) for step in steps])
    few = few[few["model"].isin(["m3", "m4", "m5"][:models])].assign(stderr=np.nan)
    files = {kind: tmp_path / f"{kind}.tsv" for kind in ("accuracy", "regression", "trends")}
    write_table(few, files["accuracy"], "accuracy")
    write_table(regression_table(few, METRICS), files["regression"], "regression")
    write_table(trends_table(few, METRICS), files["trends"], "trends")
    out = [tmp_path / "figure.svg"]
    draw_accuracy(files["accuracy"], LABELS, out, bands=True)
    draw_coefficients(files["regression"], LABELS, out)
    draw_surface(files["accuracy"], files["regression"], LABELS, out)
    draw_models(files["accuracy"], files["trends"], LABELS, out)
    assert "</svg>" in out[0].read_text()
