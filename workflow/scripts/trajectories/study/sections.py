"""The sections of the config that say how: scoring, statistics, figures, the plan, an import, the pocket suite."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from trajectories.study.metrics import Metric
from trajectories.study.names import MetricName, Name
from trajectories.study.seed import Seed
from trajectories.study.strict import Strict
from trajectories.study.values import Device, Dtype, Place


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
