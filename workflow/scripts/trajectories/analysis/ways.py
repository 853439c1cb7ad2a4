"""What `protocols.tsv` says of ways of asking a task, for whoever reads it."""

import pandas as pd

BETTER, WORSE, UNCHANGED = "better", "worse", "no sure change"


def matrix(table: pd.DataFrame) -> pd.DataFrame:
    """Return `protocols.tsv` as a row per task and a column per way, in their order, with the shape in each cell."""
    wide = table.pivot(index="label", columns="way", values="shape")
    wide = wide.loc[table["label"].drop_duplicates(), table["way"].drop_duplicates()]
    return wide.rename_axis(columns=None).reset_index().rename(columns={"label": "asked"})
