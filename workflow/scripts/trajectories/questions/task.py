"""A task is a record: its name, where its questions are, how to read them, which metric tells how well a model does."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PositiveInt,
    Tag,
    model_validator,
)

from trajectories.questions.chain import WAY, Chain
from trajectories.questions.harness.record import HarnessTask
from trajectories.questions.layouts import ASKING, filled
from trajectories.questions.written import Answer, Written, as_template
from trajectories.study.metrics import Metric
from trajectories.study.names import MetricName, Name
from trajectories.study.strict import Strict
from trajectories.study.values import Place


def _templates(value: Any) -> Any:
    for source in value if isinstance(value, list) else [value]:
        as_template(source)
    return value


def _way(value: Any) -> str:
    return "union-written" if isinstance(value, dict | Written) else "union-plain"


Template = Annotated[str, BeforeValidator(as_template)]
Templates = Annotated[str | list[str], BeforeValidator(_templates)]  # one, or one for each choice
AnyAnswer = Annotated[
    Annotated[Written, Tag("union-written")] | Annotated[Answer, Tag("union-plain")], Discriminator(_way)
]
WRITTEN_METRICS = ("accuracy", "accuracy_balanced", "answered")


def _after_chain(answer: Any) -> dict[str, Any]:
    """Return how an answer is written after a chain of thought, where the record does not say."""
    return {**WAY, **answer} if isinstance(answer, dict) else {**WAY, "true": answer}


class HubData(Strict):
    """A data set on the hub, at a pinned revision."""

    dataset: str
    config: str | None = None
    split: str = "test"
    revision: str = Field("main", description="Branch, tag or commit; resolved to a commit, which is recorded.")


class RunningText(Strict):
    """Texts scored from their beginning to their end; exactly one of `file` and `hub` says where they are."""

    file: Place | None = Field(None, description="A .txt file, which is one text, or a file of rows.")
    hub: HubData | None = None
    each: Template = Field("{{text}}", description="Template of a row's text.")

    @model_validator(mode="before")
    @classmethod
    def _a_mapping(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"is a place alone; write text: {{file: {value}}}")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "RunningText":
        if (self.file is None) == (self.hub is None):
            raise ValueError("text: give either file or hub")
        return self


class Task(Strict):
    """One task; one of `file`, `hub`, `text`, `generator` and `harness` says where its questions come from;
    for imports none need.

    The questions of a file or data set are templates over the columns of a row, those of a `layout` where the record
    has none of its own.
    """

    name: Name
    label: str = Field("", description="How figures and tables call it; empty: the name.")
    description: str = ""
    file: Place | None = Field(None, description="Path of a .jsonl, .json, .csv, .tsv or .parquet file.")
    hub: HubData | None = None
    text: RunningText | None = Field(None, description="Running text, whose loss counts.")
    generator: Name | None = Field(None, description="Name of a generator of the pocket suite.")
    harness: HarnessTask | None = Field(None, description="A task of the evaluation harness.")
    layout: str | None = Field(None, description="Name of a known layout, whose templates are used; null: prize.")
    context: Template | None = Field(None, description="Template of the text before the choices.")
    contexts: Templates | None = Field(None, description="Templates of a context for each choice.")
    choices: Templates | None = Field(
        None, description="Template that gives a list of texts, or a template for each choice."
    )
    answer: AnyAnswer | None = Field(
        None,
        description="Template of the true choice: its position from 0, its letter, or its text; or "
        "{by: generation, …}: the model writes its answer.",
    )
    labels: Template | None = Field(None, description="Template that gives a 0/1 list, in place of `answer`.")
    preamble: Name | None = Field(None, description="A text of the catalogue put before every context.")
    delimiter: str = Field("", description="What the harness puts between context and choice.")
    seed: int | None = Field(None, description="Seed of a generator's questions; null: the study's pocket suite's.")
    metric: Metric | MetricName = "accuracy"
    group: Name | None = Field(None, description="Tasks of one group share contexts and are scored in one tree.")
    part_of: Name | None = Field(None, description="The average that is shown in its place.")
    questions: PositiveInt | None = Field(None, description="How many questions there must be.")
    sample: PositiveInt | None = Field(None, description="How many of them to take, the same for every checkpoint.")
    sample_seed: int = 0
    shots: int = Field(0, ge=0, description="How many worked examples, drawn from the other questions, come first.")
    shots_seed: int = 0
    of: Name | None = Field(None, description="The task of the study that this one asks in another way.")
    chain: Chain | None = Field(None, description="Worked examples with a reasoning; the model writes its answer.")
    alias: list[str] = Field([], description="What imported files call the task, where not by its name.")
    filter: str | None = Field(None, description="Filter of an imported metric, where files hold several.")
    range: tuple[float, float] | None = Field(None, description="Bounds of an imported metric that is not known here.")
    better: Literal["higher", "lower"] | None = Field(
        None, description="Which way an imported metric that is not known here is better."
    )
    chance: float | None = Field(None, description="What guessing scores, where it cannot be told from questions.")
    constants: list[float] = Field([], description="What constant answers score, where it cannot be told so.")
    licence: str = ""
    citation: str = ""

    @model_validator(mode="wrap")
    @classmethod
    def _fill(cls, value: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, dict) and value.get("chain") is not None:
            value = value | {"answer": _after_chain(value.get("answer"))}
        if isinstance(value, dict) and value.get("text") is not None:
            return check({"metric": "bits_per_byte"} | value)
        if isinstance(value, dict) and (value.get("file") is not None or value.get("hub") is not None):
            return check(filled(value))
        return check(value)

    @model_validator(mode="after")
    def _one_source(self) -> "Task":
        sources = (self.file, self.hub, self.text, self.generator, self.harness)
        if sum(source is not None for source in sources) > 1:
            raise ValueError(f"task {self.name!r}: give only one of file, hub, text, generator and harness")
        return self

    @model_validator(mode="after")
    def _one_way_to_ask(self) -> "Task":
        given = [key for key in ASKING if getattr(self, key) is not None and (key, self.true) != ("answer", None)]
        if self.file is None and self.hub is None:
            if given or self.layout:
                key = given[0] if given else "layout"
                raise ValueError(f"task {self.name!r}: {key} is for rows of a file or of hub, which it has not")
            if (self.text is not None or self.harness is not None) and (self.shots or self.preamble):
                what = "a running text" if self.text is not None else "a task of the evaluation harness"
                raise ValueError(f"task {self.name!r}: {what} takes neither shots nor a preamble")
            return self
        for one, other in (("context", "contexts"), ("answer", "labels")):
            if (one in given) == (other in given):
                raise ValueError(f"task {self.name!r}: give either {one} or {other}")
        return self

    @model_validator(mode="after")
    def _writable(self) -> "Task":
        if self.written is None:
            return self
        if self.contexts is not None or self.text is not None or self.harness is not None:
            what = "contexts" if self.contexts is not None else "text" if self.text is not None else "harness"
            raise ValueError(f"task {self.name!r}: an answer by generation follows one context; it takes no {what}")
        if self.chain is not None and self.shots:
            raise ValueError(f"task {self.name!r}: give either shots or chain, whose examples come first")
        if self.metric not in WRITTEN_METRICS:
            raise ValueError(
                f"task {self.name!r}: metric {self.metric} needs log-likelihoods; of an answer by generation "
                f"there are {', '.join(WRITTEN_METRICS)}"
            )
        return self

    @property
    def written(self) -> Written | None:
        """How the model writes its answer; None where choices are scored, or the harness says it."""
        return self.answer if isinstance(self.answer, Written) else None

    @property
    def writes(self) -> bool:
        """Whether the model writes its answers: as the record says, or as the harness's task does."""
        return self.written is not None or (self.harness is not None and self.harness.writes)

    @property
    def true(self) -> str | int | None:
        """The template or the position of the true choice, where no labels say it."""
        return self.answer.true if isinstance(self.answer, Written) else self.answer

    @property
    def title(self) -> str:
        """The task's display name."""
        return self.label or self.name

    @property
    def data(self) -> HubData | None:
        """The data set on the hub that its questions or texts are of."""
        return self.text.hub if self.text is not None else self.hub

    @property
    def source(self) -> str | None:
        """The local file that its questions or texts are of."""
        return self.text.file if self.text is not None else self.file

    @property
    def asks(self) -> str:
        """The name under which the ways of asking one task go together."""
        return self.of or self.name

    @property
    def way(self) -> str:
        """How the task is asked, in words."""
        if self.chain is not None:
            return f"chain of thought, {self.chain.size} example{'s' if self.chain.size != 1 else ''}"
        shots = self.shots if self.harness is None else self.harness.shots
        said = "shots of the harness" if shots is None else f"{shots}-shot"
        return said + (", written" if self.writes else "")

    @property
    def files(self) -> list[str]:
        """The local files that its questions are made from."""
        return [file for file in (self.source, self.chain.file if self.chain else None) if file]

    @property
    def between(self) -> str | None:
        """The text between context and choice where the protocol has none; None where choices are whole already."""
        return self.delimiter if self.harness is None else None

    @property
    def tree(self) -> str:
        """The name of the prefix tree the task's requests belong to."""
        return self.group or self.name
