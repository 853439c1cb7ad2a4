"""A model of the study: one training run."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, NonNegativeInt, model_validator

from trajectories.study.names import Name
from trajectories.study.sizes import sizes_of
from trajectories.study.steps import Steps
from trajectories.study.strict import Strict
from trajectories.study.tokens import Tokens, stepwise, told_once
from trajectories.study.values import Count, FolderPattern, Pattern, Place


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


class Tokenizer(Strict):
    """Where a tokenizer is: at `location` (folder, or repository with optional @revision), or with a model's own
    checkpoints."""

    name: Name
    location: str | None = None
    model: Name | None = None


def as_model(value: Any) -> Any:
    """Return a model's record as it was given. Raises ValueError for a name alone."""
    if isinstance(value, str):
        raise ValueError(f"is a name alone; write {{name: {value}, parameters: 70e6}} with its parameter count")
    return value


def sizes_by_model(models: Sequence[Model]) -> dict[str, str]:
    """Return model → size (`sizes.sizes_of`)."""
    return sizes_of([(model.name, model.parameters, model.size_of) for model in models])
