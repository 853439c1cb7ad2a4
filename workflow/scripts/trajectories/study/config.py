"""The study: one strict config, checked whole before anything runs."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from trajectories.errors import UserError
from trajectories.files import canonical_json, digest
from trajectories.questions.average import Average
from trajectories.questions.task import Task
from trajectories.study.fits import misfits
from trajectories.study.known import KnownTask, with_harness_tasks
from trajectories.study.metrics import LESS_IS_BETTER, OF_TEXTS, Metric, is_known, record_of
from trajectories.study.names import MetricName, Name
from trajectories.study.protocol import Protocol, as_protocol
from trajectories.study.seed import Seed, seeded_by_name
from trajectories.study.sizes import sizes_of
from trajectories.study.steps import Steps
from trajectories.study.strict import Strict, refusal
from trajectories.study.tokens import Tokens, stepwise, told_once
from trajectories.study.values import Count, Device, Dtype, FolderPattern, Pattern, Place, has_step, named_in_folders


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


def _as_model(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"is a name alone; write {{name: {value}, parameters: 70e6}} with its parameter count")
    return value


class Model(Strict):
    """One training run. The optional keys override the suite's for this model alone."""

    name: Name
    parameters: Count = Field(description="Nominal parameter count; the regression uses its log10.")
    label: str = ""
    size_of: Name | None = Field(
        None, description="The model, or the name, of whose size this is one more run; else equal parameters say so."
    )
    run: str | int | None = Field(None, description="What tells this run from others of its size, e.g. a seed.")
    suite: Name | None = Field(
        None,
        description="Its suite, in a study of several: one line of loss over compute; null: the study.",
    )
    exact_parameters: Count | None = Field(None, description="Exact count, for the sensitivity analysis.")
    embedding_parameters: Count | None = Field(None, description="How many of the exact count are embeddings.")
    hub: Pattern | None = None
    folder: FolderPattern | None = None
    revision: Pattern | None = None
    tokens_per_step: Count | None = None
    tokens: Tokens = None
    main_is: NonNegativeInt | None = None
    tokenizer: Place | None = None
    steps: Steps | None = None
    alias: list[str] = Field([], description="What imported files call the model, where not by its name.")

    @model_validator(mode="before")
    @classmethod
    def _steps_with_tokens(cls, value: Any) -> Any:
        """Read `steps` that map names to tokens as steps and a table of tokens."""
        if not isinstance(value, dict) or not isinstance(value.get("steps"), Mapping):
            return value
        table = stepwise(value["steps"], value.get("tokens"))
        return value | {"steps": list(table), "tokens": table}

    @model_validator(mode="after")
    def _tokens_once(self) -> "Model":
        return told_once(self)

    @property
    def title(self) -> str:
        """How figures call the model: its label or name, and which run it is where it says so."""
        called = self.label or self.name
        return called if self.run is None else f"{called}, {self.run}"


class Mirror(Strict):
    """Another place where a suite's checkpoints lie; a repository's name alone stands for `{hub: …}`."""

    hub: Pattern | None = Field(None, description="Repository on the hub, e.g. owner/{model}-v1.")
    folder: FolderPattern | None = Field(None, description="Local folder, e.g. path/{model}/step{step}.")
    revision: Pattern | None = Field(None, description="Branch of a step there; null: as in the suite.")

    @model_validator(mode="after")
    def _one_place(self) -> "Mirror":
        if (self.hub is None) == (self.folder is None):
            raise ValueError("a mirror is either a repository (`hub`) or a folder (`folder`)")
        if self.folder is not None and not has_step(self.folder):
            raise ValueError(f"{self.folder!r} has no {{step}}; every step needs a folder of its own")
        return self


def _mirror(value: Any) -> Any:
    return {"hub": value} if isinstance(value, str) else value


class Checkpoints(Strict):
    """Where the suite's checkpoints are and what is done with them."""

    hub: Pattern | None = Field(None, description="Repository on the hub, e.g. EleutherAI/{model}.")
    folder: FolderPattern | None = Field(
        None, description="Local folder, e.g. path/{model}/step{step}; {study} stands for the study's name."
    )
    revision: Pattern = Field("step{step}", description="Branch of a step on the hub.")
    tokens_per_step: Count | None = Field(
        None, description="Tokens that one training step sees: batch size × length; known for Pythia alone."
    )
    tokens: Tokens = None
    main_is: NonNegativeInt | None = Field(
        None, description="The step of what has no branch of its own: the final checkpoint, published as main alone."
    )
    tokenizer: Place | None = Field(
        None, description="Hub repository (optionally @revision) or folder; null: each model's last checkpoint's own."
    )
    anomalies: Literal["stop", "recover", "exclude", "keep"] = Field(
        "stop", description="What to do with checkpoints the audit finds wrong."
    )
    recover_depth: PositiveInt = Field(
        20, description="With anomalies: recover, how many earlier commits of each wrong branch are looked at."
    )
    mirrors: list[Annotated[Mirror, BeforeValidator(_mirror)]] = Field(
        [], description="With anomalies: recover, other places that may hold the right weights, in this order."
    )
    compare: Literal["used", "all"] = Field(
        "used", description="Compare the study's steps with each other, main and the last step, or with every branch."
    )
    keep: bool = Field(False, description="Keep downloaded checkpoints after scoring.")
    scratch: Place | None = Field(
        None, description="Folder for downloaded checkpoints; null: results/<study>/checkpoints."
    )
    hub_cache: bool = Field(False, description="Look into the user's own hub cache before downloading.")

    @model_validator(mode="after")
    def _tokens_once(self) -> "Checkpoints":
        return told_once(self)


class Scoring(Strict):
    """How checkpoints are run; `dtype` changes numbers, the rest only speed."""

    dtype: Dtype = "float32"
    device: Device = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    pack_tokens: PositiveInt | Literal["auto"] = Field("auto", description="Tokens of the tree in one forward pass.")
    attention: Literal["auto", "sdpa", "flex"] = "auto"
    gpus: PositiveInt = Field(1, description="GPUs of a scoring job; with more than one, a model is spread over them.")
    # How work is cut changes no result: left out of what rules' params hold, it runs nothing again.
    checkpoints_per_job: PositiveInt | Literal["auto"] = Field(
        "auto", exclude=True, description="Checkpoints of a model that one job scores, one after the other."
    )


class Statistics(Strict):
    """What the analysis does with the accuracies."""

    metrics: dict[Name, Metric | MetricName] = Field(
        {}, description="Metric of a task in the regression, where not its record's."
    )
    alpha: float = Field(0.05, gt=0, lt=1)
    seed: int = Field(1, ge=0)
    resamples: PositiveInt = 2000
    serial: Literal["auto"] | Annotated[float, Field(ge=0, le=0.95)] = Field(
        "auto", description="Correlation of the noise of neighbouring checkpoints; auto: estimated, all trajectories."
    )
    axis: Literal["tokens", "compute", "loss"] = Field(
        "tokens", description="What accuracies are drawn and, beside Table 1, fitted against; loss: on a running text."
    )
    from_tokens: float = Field(0, ge=0, description="Leave out checkpoints that have seen fewer tokens (warm-up).")
    exclude_inconsistent: bool = Field(
        False, description="Leave out checkpoints whose scores are not in the order of the steps."
    )
    smallest: float = Field(0.02, gt=0, description="The smallest effect of interest, in the metric: 0.02 is 2 points.")


class Figures(Strict):
    """How figures are drawn."""

    bands: bool = Field(True, description="Draw standard errors as bands.")
    columns: Literal[1, 2] = Field(2, description="Width in columns of a two-column page.")


class Plan(Strict):
    """What `snakemake plan` assumes."""

    device: str | None = Field(None, description="H200, H100, A100, L40S, L4, …, CPU; null: what is found here.")
    network_mb_per_s: float = Field(100, gt=0, description="Megabytes a second from the hub.")


class Import(Strict):
    """Accuracies made elsewhere, which enter instead of scoring."""

    format: Literal["harness-json", "harness-samples", "tsv", "published"]
    path: Place | list[Place] | None = Field(
        None, description="Files, folders, patterns such as runs/**/*.json; `published` without it is fetched."
    )
    name: str | None = Field(None, description="Where a path names model and step: {model}/**/step{step}.json.")
    others: Literal["ignore", "refuse"] = Field(
        "ignore", description="What the study does not name: leave it out and count it, or end with an error."
    )
    shots: int | None = Field(None, ge=0, description="Take only results with so many worked examples.")
    mixed: Literal["refuse", "keep"] = Field(
        "refuse", description="Trajectories whose files differ in worked examples or in the task's version."
    )

    @property
    def of_questions(self) -> bool:
        """Whether it brings answers to single questions, from which accuracies are made as from scores."""
        return self.format == "harness-samples"


class Pocket(Strict):
    """The demo's suite of small models, trained before it is studied."""

    seed: Seed = 1


class Tokenizer(Strict):
    """Where a tokenizer is: at `location` (folder, or repository with optional @revision), or with a model's own
    checkpoints."""

    name: Name
    location: str | None = None
    model: Name | None = None


class Study(Strict):
    """The whole config. `Study.from_config` is how everything gets one."""

    study: Name = Field(description="Name of the study; results go to results/<study>/.")
    checkpoints: Checkpoints = Checkpoints()
    models: Annotated[list[Annotated[Model, BeforeValidator(_as_model)]], BeforeValidator(_as_list)] = Field(
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
        return sizes_of([(model.name, model.parameters, model.size_of) for model in self.models])

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
