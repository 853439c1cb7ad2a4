"""What a study keeps of a task of the evaluation harness, and of the harness's groups."""

from typing import Any

from pydantic import Field

from trajectories.study.strict import Strict


class HarnessTask(Strict):
    """One task of the harness, found by its name; its own library reads and asks it."""

    task: str = Field(description="The harness's name of the task.")
    yaml: str = Field(description="Its YAML: a path, or a place within the harness's own tasks.")
    overrides: dict[str, Any] = Field({}, description="Keys of the YAML that a group of the harness sets.")
    shots: int | None = Field(None, ge=0, description="Worked examples; null: as many as the YAML says.")
    version: str = Field("", description="The task's own version.")
    library: str = Field("", description="The harness's version.")
    digest: str = Field("", description="sha256 of the user's own YAMLs and modules, where it is among them.")
    data: str = Field("", description="The data set it reads.")
    metrics: tuple[str, ...] = Field((), description="Its metrics, as the harness calls them.")
    writes: bool = Field(False, description="Whether it lets the model write its answers.")
    stands: str = Field("", description="That of them which the record's metric was taken for; empty: the user's own.")
