"""The study: one strict config, checked whole before anything runs."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from trajectories.errors import UserError
from trajectories.files import canonical_json, digest
from trajectories.questions.average import Average
from trajectories.questions.task import Task
from trajectories.study.checkpoints import Checkpoints
from trajectories.study.fits import misfits
from trajectories.study.known import KnownTask, with_harness_tasks
from trajectories.study.metrics import LESS_IS_BETTER, OF_TEXTS, is_known, record_of
from trajectories.study.models import Model, Tokenizer, as_model, sizes_by_model
from trajectories.study.names import Name
from trajectories.study.protocol import Protocol, as_protocol
from trajectories.study.sections import Figures, Import, Plan, Pocket, Scoring, Statistics
from trajectories.study.seed import seeded_by_name
from trajectories.study.steps import Steps
from trajectories.study.strict import Strict, refusal
from trajectories.study.tokens import stepwise
from trajectories.study.values import Place, named_in_folders


def _as_protocol(value: Any) -> Protocol:
    try:
        return as_protocol(value)
    except UserError as error:
        raise ValueError(str(error).removeprefix("protocol: ")) from None


def _as_list(value: Any) -> Any:
    if isinstance(value, dict):
        first = next(iter(value), "…")
        raise ValueError(f"is a mapping where a list is needed; write `- {{name: {first}, …}}`, a line for each")
    return value


class Study(Strict):
    """The whole config. `Study.from_config` is how everything gets one."""

    study: Name = Field(description="Name of the study; results go to results/<study>/.")
    checkpoints: Checkpoints = Checkpoints()
    models: Annotated[list[Annotated[Model, BeforeValidator(as_model)]], BeforeValidator(_as_list)] = Field(
        min_length=1
    )
    steps: Steps
    tasks: Annotated[list[KnownTask], BeforeValidator(_as_list)] = Field(min_length=1)
    averages: list[Average] = Field([], description="Values of several tasks together; harness groups bring theirs.")
    protocol: Annotated[Protocol, BeforeValidator(_as_protocol)] = Protocol()
    scoring: Scoring = Scoring()
    statistics: Statistics = Statistics()
    figures: Figures = Figures()
    plan: Plan = Plan()
    pocket: Pocket | None = None
    imported: Import | None = Field(None, alias="import")
    reference: Name | None = Field(None, description="`published`, or another study's name, to compare with.")
    data: Place | None = Field(None, description="Folder with the paper's published accuracies; null: fetched.")

    @model_validator(mode="before")
    @classmethod
    def _steps_with_tokens(cls, value: Any) -> Any:
        """Read `steps` that map names to tokens as steps and the suite's table of tokens."""
        if not isinstance(value, dict) or not isinstance(value.get("steps"), Mapping):
            return value
        suite = value.get("checkpoints") or {}
        table = stepwise(value["steps"], suite.get("tokens") if isinstance(suite, dict) else None)
        return value | {"steps": list(table), "checkpoints": suite | {"tokens": table}}

    @model_validator(mode="before")
    @classmethod
    def _study_in_folders(cls, value: Any) -> Any:
        """Put the study's name where folders of checkpoints say {study}."""
        return named_in_folders(value) if isinstance(value, dict) else value

    @model_validator(mode="before")
    @classmethod
    def _seed_of_the_suite(cls, value: Any) -> Any:
        """Take the pocket suite's seed from the study's name where it is not said."""
        return seeded_by_name(value) if isinstance(value, dict) else value

    @classmethod
    def from_config(cls, config: dict[str, Any], where: str = "config") -> "Study":
        """Check a config as read from YAML. Raises `UserError`: a line per mistake with key, value and cure."""
        if not isinstance(config, dict):
            raise UserError(f"{where}: is not a mapping of keys to values")
        return cls.checked(with_harness_tasks(config, where), where)

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if found := misfits(self):
            raise refusal("Study", found)
        return self

    def steps_of(self, model: Model) -> tuple[int, ...]:
        """Return the steps of `model` in this study."""
        return model.steps if model.steps is not None else self.steps

    @property
    def sizes(self) -> dict[str, str]:
        """Return the size each model is a run of: named by its first model; equal parameters unless `size_of` says."""
        return sizes_by_model(self.models)

    @property
    def suites(self) -> dict[str, str]:
        """Return the suite each model belongs to: the study's own name where its record names none."""
        return {model.name: model.suite or self.study for model in self.models}

    @property
    def trees(self) -> tuple[str, ...]:
        """Names of the prefix trees: tasks of one group share one."""
        return tuple(dict.fromkeys(task.tree for task in self.tasks))

    @property
    def running_text(self) -> str | None:
        """Name of the task whose loss is the study's: the first that stands for itself by how a text is predicted."""
        return next((task.name for task in self.tasks if self.metric_of(task) in OF_TEXTS), None)

    @property
    def unconditional(self) -> tuple[str, ...]:
        """Names of the tasks whose choices are also asked after nothing at all."""
        return tuple(
            task.name
            for task in self.tasks
            if record_of(self.metric_of(task)).needs == "unconditional"
            or (task.harness is not None and "acc_mutual_info" in task.harness.metrics)
        )

    def tokenizer_of(self, model: Model) -> Tokenizer:
        """Return where the tokenizer of `model` is: its own, the suite's, or that of its own checkpoints."""
        location = model.tokenizer or self.checkpoints.tokenizer
        if location is not None:
            return Tokenizer(name=_slug(location), location=location)
        return Tokenizer(name=f"of-{model.name}", model=model.name)

    @property
    def tokenizers(self) -> tuple[Tokenizer, ...]:
        """Every tokenizer of the study once, in the order of its models."""
        return tuple(dict.fromkeys(self.tokenizer_of(model) for model in self.models))

    def task(self, name: str) -> Task:
        """Return the task of that name."""
        return next(task for task in self.tasks if task.name == name)

    def model(self, name: str) -> Model:
        """Return the model of that name."""
        return next(model for model in self.models if model.name == name)

    def seed_of(self, task: Task) -> int:
        """Return the seed of a generated task's questions: its own, or the pocket suite's."""
        return task.seed if task.seed is not None else self.pocket.seed if self.pocket else 0

    def metric_of(self, task: Task | Average) -> str:
        """Return the metric that stands for `task` in the regression and the main figure."""
        metric = self.statistics.metrics.get(task.name, task.metric)
        less = isinstance(task, Task) and task.better == "lower"
        return metric + LESS_IS_BETTER if less and not is_known(metric) else metric

    @property
    def shown(self) -> tuple[Task | Average, ...]:
        """What figures and statistics speak of: tasks, and averages in place of theirs."""
        things: list[Task | Average] = [*self.tasks, *self.averages]
        return tuple(thing for thing in things if thing.part_of is None)

    @property
    def metrics(self) -> dict[str, str]:
        """The metric that stands for each thing shown."""
        return {thing.name: self.metric_of(thing) for thing in self.shown}

    def section(self, *keys: str) -> str:
        """Return parts of the config as canonical JSON: what a rule's `params` hold, so that only they re-run it."""
        whole = self.model_dump(mode="json", by_alias=True)
        return canonical_json({key: whole[key] for key in keys})


def _slug(location: str) -> str:
    """Return a name for a folder or repository that is safe as a path component and differs for each."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", location).strip("-.")[-40:].lstrip("-._")
    return f"{readable or 'tokenizer'}-{digest(location)[:8]}".replace("..", "-")
