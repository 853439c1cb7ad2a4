"""Names that become parts of paths, checked before they do."""

import re
from typing import Annotated

from pydantic import AfterValidator

LONGEST = 96
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_METRIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")


def checked_name(name: str) -> str:
    """Return `name` if it is safe as one path component, else raise ValueError saying what is allowed."""
    if len(name) > LONGEST:
        raise ValueError(f"a name may have at most {LONGEST} characters, this one has {len(name)}")
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError(
            "a name holds letters, digits, '.', '_' and '-', begins with a letter or digit and has no '..'"
        )
    return name


def checked_metric(metric: str) -> str:
    """Return `metric` if it is a name, alone or with a filter of the harness's after a comma, else raise ValueError."""
    name, comma, filtered = metric.partition(",")
    if len(metric) > LONGEST or not _METRIC.fullmatch(name) or (comma and not _METRIC.fullmatch(filtered)):
        raise ValueError(
            "a metric is a name, alone or with the harness's filter after a comma: exact_match,strict-match"
        )
    return metric


Name = Annotated[str, AfterValidator(checked_name)]
MetricName = Annotated[str, AfterValidator(checked_metric)]
