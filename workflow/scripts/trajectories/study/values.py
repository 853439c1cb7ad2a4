"""Kinds of values in a config, each with a message that says what to write."""

import math
import os
import re
import string
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PositiveInt, WithJsonSchema

_POWERS = {"k": "e3", "m": "e6", "b": "e9", "g": "e9"}


def whole_count(value: Any) -> int:
    """Turn 1.4e9, also where YAML read it as text, into a whole number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        short = re.fullmatch(r"([\d.]+)\s*([kKmMbBgG])", value) if isinstance(value, str) else None
        meant = f"write {short[1]}{_POWERS[short[2].lower()]}" if short else "write it as in 70e6"
        raise ValueError(f"{value!r} is not a number; {meant}") from None
    if not math.isfinite(number) or number <= 0 or number != int(number):
        raise ValueError(f"{value!r} must be a positive whole number such as 70e6")
    return int(number)


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    allowed = {"model", "step", "tokens"}
    try:
        parts = [part for part in string.Formatter().parse(value) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f"{value!r} is not a pattern: {error}") from None
    for _, field, form, conversion in parts:
        if field not in allowed:
            raise ValueError(f"{value!r} has the unknown part {{{field}}}; allowed are {{model}}, {{step}}, {{tokens}}")
        if conversion or (form and not (field == "step" and re.fullmatch(r"0[1-9]\d?d", form))):
            raise ValueError(f"{value!r} formats {{{field}}} in an unknown way; {{step:06d}} writes six digits")
    return value


def named_in_folders(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with the study's name in place of {study} in every folder pattern of checkpoints and mirrors."""
    study = config.get("study")
    if not isinstance(study, str):
        return config

    def named(record: Any) -> Any:
        if not isinstance(record, dict):
            return record
        folder, mirrors = record.get("folder"), record.get("mirrors")
        given = {"folder": folder.replace("{study}", str(study))} if isinstance(folder, str) else {}
        return (
            record | given | ({"mirrors": [named(mirror) for mirror in mirrors]} if isinstance(mirrors, list) else {})
        )

    suite, models = config.get("checkpoints"), config.get("models")
    changed = {"checkpoints": named(suite)} if suite is not None else {}
    return config | changed | ({"models": [named(model) for model in models]} if isinstance(models, list) else {})


def has_step(pattern: str) -> bool:
    """Tell whether a pattern names the step."""
    return "{step}" in pattern or "{step:" in pattern


def _device(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", value):
        guess = "; did you mean 'cuda'?" if value == "gpu" else ""
        raise ValueError(f"is no device{guess} (allowed: auto, cpu, cuda, cuda:0, cuda:1, …, mps)")
    return value


def _dtype(value: Any) -> Any:
    """Refuse other names of the three types in a way that says theirs."""
    names = {"fp32": "float32", "float": "float32", "fp16": "float16", "half": "float16", "bf16": "bfloat16"}
    if isinstance(value, str) and (meant := names.get(value.removeprefix("torch."))):
        raise ValueError(f"is called {meant!r} here (allowed: float32, float16, bfloat16)")
    return value


_COUNT_SCHEMA = {"type": ["number", "string"], "description": "A positive whole number, such as 70e6."}
Count = Annotated[PositiveInt, BeforeValidator(whole_count), WithJsonSchema(_COUNT_SCHEMA)]
Pattern = Annotated[str, BeforeValidator(_pattern)]
FolderPattern = Annotated[Pattern, AfterValidator(os.path.expanduser)]
Place = Annotated[str, AfterValidator(os.path.expanduser)]  # a path; ~ is the user's home
Dtype = Annotated[Literal["float32", "float16", "bfloat16"], BeforeValidator(_dtype)]
Device = Annotated[str, BeforeValidator(_device)]
