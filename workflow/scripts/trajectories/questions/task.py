"""A task is a record: its name, where its questions are, how to read them, which metric tells how well a model does."""

from pydantic import Field, PositiveInt, model_validator

from trajectories.study.metrics import Metric
from trajectories.study.names import Name
from trajectories.study.strict import Strict
from trajectories.study.values import Place


class Columns(Strict):
    """Which columns of a file or data set hold a question's parts.

    Either `choices` with `answer` (the index of the true choice) or `labels` (a 0/1 list), or `targets`: one
    column with both, as a mapping from choice to label or as `{choices: [...], labels: [...]}`.
    """

    context: str = "prompt"
    choices: str = "classes"
    answer: str | None = "answer_index"
    labels: str | None = None
    targets: str | None = None


class HubData(Strict):
    """A data set on the hub, at a pinned revision."""

    dataset: str
    config: str | None = None
    split: str = "test"
    revision: str = Field("main", description="Branch, tag or commit; resolved to a commit, which is recorded.")


class Task(Strict):
    """One task; exactly one of `file`, `hub` and `generator` says where its questions come from."""

    name: Name
    label: str = Field("", description="How figures and tables call it; empty: the name.")
    description: str = ""
    file: Place | None = Field(None, description="Path of a .jsonl, .json or .csv file.")
    hub: HubData | None = None
    generator: Name | None = Field(None, description="Name of a generator of the pocket suite.")
    columns: Columns = Columns()
    template: str = Field("{context}", description="The text before the choice; {context} is the context column.")
    preamble: Name | None = Field(None, description="A text of the catalogue put before every context.")
    delimiter: str = Field("", description="What the harness puts between context and choice.")
    seed: int | None = Field(None, description="Seed of a generator's questions; null: the study's pocket suite's.")
    metric: Metric = "accuracy"
    group: Name | None = Field(None, description="Tasks of one group share contexts and are scored in one tree.")
    questions: PositiveInt | None = Field(None, description="How many questions there must be.")
    shots: int = Field(0, ge=0, description="How many worked examples, drawn from the other questions, come first.")
    shots_seed: int = 0
    licence: str = ""
    citation: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> "Task":
        if sum(source is not None for source in (self.file, self.hub, self.generator)) != 1:
            raise ValueError(f"task {self.name!r}: give exactly one of file, hub and generator")
        return self

    @property
    def title(self) -> str:
        """The task's display name."""
        return self.label or self.name

    @property
    def tree(self) -> str:
        """The name of the prefix tree the task's requests belong to."""
        return self.group or self.name
