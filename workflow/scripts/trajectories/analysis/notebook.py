"""One number from scores, for a notebook."""

from typing import TYPE_CHECKING

from trajectories.errors import UserError
from trajectories.study.metrics import METRICS
from trajectories.study.strict import suggestion

if TYPE_CHECKING:
    import pandas as pd


def accuracy(scores: "pd.DataFrame", metric: str = "accuracy") -> float:
    """Return a metric (`docs/metrics.md`) over all questions of what `score` returned: `accuracy(score(…))`.

    Raises `UserError` for an unknown metric, and for scores of which it cannot be computed.
    """
    from trajectories.analysis.accuracy import accuracy_rows

    if metric not in METRICS:
        raise UserError(f"metric: {metric!r} is not known{suggestion(metric, METRICS)}")
    table = accuracy_rows(scores, "", 1, 0, 0)
    values = table.loc[table["metric"] == metric, "value"].to_numpy(float)
    if not len(values):
        raise UserError(f"metric: {metric} cannot be computed of these scores: it needs {METRICS[metric].needs}")
    return float(values[0])
