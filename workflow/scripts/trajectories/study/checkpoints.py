"""Where checkpoints are, and other places that may hold the right ones."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from trajectories.study.strict import Strict
from trajectories.study.tokens import Tokens, told_once
from trajectories.study.values import Count, FolderPattern, Pattern, Place, has_step


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


def as_mirror(value: Any) -> Any:
    """Return a mirror's record; a repository's name stands for one."""
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
    mirrors: list[Annotated[Mirror, BeforeValidator(as_mirror)]] = Field(
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
