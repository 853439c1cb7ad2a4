"""An average: one value of several tasks, as the harness makes one of a group."""

from typing import Literal

from pydantic import Field

from trajectories.study.metrics import Metric
from trajectories.study.names import MetricName, Name
from trajectories.study.strict import Strict


class Average(Strict):
    """The mean of a metric over tasks; in the tables and figures it stands like a task, and for its tasks."""

    name: Name
    label: str = Field("", description="How figures and tables call it; empty: the name.")
    tasks: tuple[Name, ...] = Field(min_length=1, description="Names of tasks of the study.")
    weight: Literal["questions", "tasks"] = Field(
        "questions", description="Whether every question weighs the same, or every task."
    )
    metric: Metric | MetricName = "accuracy"
    part_of: Name | None = Field(None, description="The average that is shown in its place.")

    @property
    def title(self) -> str:
        """The average's display name."""
        return self.label or self.name
