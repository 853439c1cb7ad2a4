"""The protocol: every decision that changes a number, each a named option; `paper` and `harness` are presets.

`docs/protocols.md` says which published setting each option reproduces.
"""

from typing import Any, Literal

from pydantic import Field

from trajectories.errors import UserError
from trajectories.study.strict import Strict, suggestion


class Protocol(Strict):
    """How a question becomes token ids and labels, and how their log-likelihood is computed."""

    choice_prefix: str | None = Field(
        None, description="Text put before every choice; null: the delimiter of the task's own record."
    )
    encoding: Literal["joint", "separate"] = Field(
        "joint",
        description="joint: tokenise context + choice together and split after the context's own tokens, with the "
        "context's trailing spaces moved to the choice; separate: tokenise each alone and concatenate.",
    )
    bos: Literal["tokenizer", "always", "never"] = Field(
        "tokenizer", description="BOS before every context: as the tokenizer itself does, always, or never."
    )
    classes: Literal["list", "quotes"] = Field(
        "list", description="How a prize file's `classes` text is read: as a list literal, or cut at its quote marks."
    )
    mc2_labels: Literal["each", "first_zero"] = Field(
        "each", description="MC2: take each choice's own label, or call everything from the first 0 label on false."
    )
    length_cap: int | None = Field(
        None,
        gt=1,
        description="Most tokens of a request before its last one, cut on the left; null: the model's own window.",
    )
    softmax: Literal["float32", "model"] = Field(
        "float32", description="Precision of the log-softmax and of its sum; `model` is the weights' own type."
    )


PRESETS: dict[str, Protocol] = {
    "harness": Protocol(),
    "paper": Protocol(
        choice_prefix=" ", encoding="separate", classes="quotes", mc2_labels="first_zero", softmax="model"
    ),
}


def as_protocol(value: str | dict[str, Any] | Protocol) -> Protocol:
    """Return the protocol meant by a preset's name, or by `{preset: name, option: value, …}`.

    Raises `UserError` for an unknown preset or option.
    """
    if isinstance(value, Protocol):
        return value
    if not isinstance(value, str | dict):
        raise UserError(
            f"protocol: {value!r} is neither a preset's name ({', '.join(PRESETS)}) nor a mapping of options"
        )
    options = {"preset": value} if isinstance(value, str) else dict(value)
    preset = options.pop("preset", "harness")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise UserError(f"protocol: unknown preset {preset!r}{suggestion(str(preset), set(PRESETS))}")
    return Protocol.checked(PRESETS[preset].model_dump() | options, "protocol")


def protocol_label(protocol: Protocol) -> str:
    """Return the preset's name, or the preset nearest to `protocol` with the options that differ."""
    differences = {name: _differing(protocol, preset) for name, preset in PRESETS.items()}
    name = min(differences, key=lambda candidate: len(differences[candidate]))
    changed = ", ".join(f"{key}={value!r}" for key, value in differences[name].items())
    return f"{name} with {changed}" if changed else name


def _differing(protocol: Protocol, preset: Protocol) -> dict[str, Any]:
    theirs = preset.model_dump()
    return {key: value for key, value in protocol.model_dump().items() if value != theirs[key]}
