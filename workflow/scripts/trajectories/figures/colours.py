"""Which colour and which dashes a model's line has, in figures and on the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

DIVERGING, SEQUENTIAL = "PuOr", "viridis"
HUES = ("Blues", "Oranges", "Greens", "Purples", "Reds", "Greys")
"""Of suites, where a study has several; light to dark within each as one suite is on the sequential ramp."""

PALEST = 0.12
"""Share of the sequential ramp that is left out because it vanishes on white."""

PALEST_HUE = 0.4
"""The same of a suite's hue."""

RUN_DASHES = ("solid", "dash", "dot", "dashdot")
"""What tells the runs of a size apart, by the names Plotly has for them, as long as they are no more than these."""

_DASHES: Mapping[str, Any] = {
    "solid": "solid", "dash": (0, (5, 2)), "dot": (0, (1, 1.5)), "dashdot": (0, (5, 1.5, 1, 1.5)),
}  # fmt: skip


def size_colours(parameters: Mapping[str, float], hue: str | None = None) -> dict[str, str]:
    """Return a hex colour per size from size → parameters, fewest first: light to dark by the logarithm.

    The colours are of viridis, whose lightness falls monotonically, so the order survives every kind of colour vision
    and a grey print; the palest fifth is left out because it vanishes on white. Neighbours that differ in few
    parameters are kept half of an even step apart. `hue` is another ramp from light to dark, for one of several suites.
    """
    logs = np.log10(np.maximum(list(parameters.values()), 1.0))
    gaps = np.diff(logs)
    places = np.concatenate([[0.0], np.cumsum(np.maximum(gaps, gaps.sum() / (2 * max(len(gaps), 1)) or 1.0))])
    ramp, first = (colormaps[hue], PALEST_HUE) if hue else (colormaps[SEQUENTIAL].reversed(), PALEST)
    shares = places / (places[-1] or 1.0)
    return {size: to_hex(ramp(first + (1 - first) * share)) for size, share in zip(parameters, shares, strict=True)}


def run_colours(
    sizes: Mapping[str, str], parameters: Mapping[str, float], suites: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a hex colour per model, in the order given, from model → size: runs of a size share theirs.

    `parameters` are the models', of which a size has its first one's; several `suites` (model → suite) have a hue each.
    """
    hues = suite_hues([(suites or {}).get(model, "") for model in sizes])
    counts: dict[str | None, dict[str, float]] = {}
    for model, size in sizes.items():
        of_hue = counts.setdefault(hues[(suites or {}).get(model, "")], {})
        of_hue.setdefault(size, float(parameters[model]))
    of_size: dict[str, str] = {}
    for hue, own in counts.items():
        of_size |= size_colours(dict(sorted(own.items(), key=lambda item: item[1])), hue)
    return {model: of_size[size] for model, size in sizes.items()}


def suite_hues(suites: Sequence[str]) -> dict[str, str | None]:
    """Return the hue of each suite, none where there is but one; beyond six they come round again."""
    names = list(dict.fromkeys(suites))
    return {name: HUES[place % len(HUES)] if len(names) > 1 else None for place, name in enumerate(names)}


def run_dashes(runs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return model → name of its dashes from size → its runs; many runs of a size are a bundle of solid lines."""
    return {
        run: RUN_DASHES[place] if len(models) <= len(RUN_DASHES) else "solid"
        for models in runs.values()
        for place, run in enumerate(models)
    }


def linestyle(dash: str) -> Any:
    """Return Matplotlib's style of a line for a name of `RUN_DASHES`."""
    return _DASHES[dash]
