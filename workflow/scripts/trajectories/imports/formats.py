"""The formats an import may have: how a file of each is read, and how its name ends."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trajectories.imports import harness, samples, tidy
from trajectories.imports.reading import Reading

Read = Callable[[Path], list[Reading]]
FORMATS: Mapping[str, tuple[Read, tuple[str, ...]]] = {
    "harness-json": (harness.read_harness_file, harness.ENDINGS),
    "tsv": (tidy.read_tidy_file, tidy.ENDINGS),
    "published": (tidy.read_tidy_file, tidy.ENDINGS),
}

ENDINGS: Mapping[str, tuple[str, ...]] = {name: endings for name, (_, endings) in FORMATS.items()} | {
    "harness-samples": samples.ENDINGS
}
