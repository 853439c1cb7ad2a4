"""The records the audit works on: files with their hashes, the weights of one checkpoint, what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trajectories.hub.files import ModelFile

Format = Literal["safetensors", "bin"]
FORMATS: tuple[Format, ...] = ("safetensors", "bin")  # in order of preference: a .bin file is a pickle
Policy = Literal["stop", "recover", "exclude", "keep"]


@dataclass(frozen=True)
class ModelSource:
    """One model as a study names it: where its checkpoints are and which steps are wanted.

    `address` is a hub repository (`source="hub"`) or a folder pattern (`source="folder"`) such as
    `path/{model}/step{step}`; `revision` is the pattern of the hub's branch names; `tokens` says what each step has
    seen where that is not a number per step; `main_is` is the step that `main` holds, and is where no branch holds it.
    """

    name: str
    parameters: int
    source: Literal["hub", "folder"]
    address: str
    steps: tuple[int, ...]
    tokens_per_step: int
    revision: str = "step{step}"
    main_is: int | None = None
    tokens: Mapping[int, int] | None = None

    def tokens_at(self, step: int) -> int:
        """Return how many tokens the model has seen by a step."""
        return step * self.tokens_per_step if self.tokens is None else self.tokens[step]


class Sourced:
    """A record whose `source` is `hub:owner/name` or `folder:path`."""

    source: str

    @property
    def repo(self) -> str | None:
        """The hub repository, or None for a local folder."""
        return self.source.removeprefix("hub:") if self.source.startswith("hub:") else None

    @property
    def folder(self) -> Path | None:
        """The local folder, or None for a checkpoint on the hub."""
        return Path(self.source.removeprefix("folder:")) if self.source.startswith("folder:") else None


@dataclass(frozen=True)
class Listing(Sourced):
    """What lies at one address: the files of one branch or folder. `step` is None for a repository's `main`."""

    step: int | None
    revision: str
    commit: str
    files: tuple[ModelFile, ...]
    source: str = ""

    def file(self, name: str) -> ModelFile | None:
        """Return the file called `name`, or None."""
        return next((file for file in self.files if file.name == name), None)


@dataclass(frozen=True)
class Weights:
    """The weight files of one checkpoint in one format; `step` is None for `main`."""

    step: int | None
    files: tuple[ModelFile, ...]

    @property
    def hashes(self) -> frozenset[str]:
        """The hashes of all files."""
        return frozenset(file.hash for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one checkpoint, or with one format of it.

    `status` goes to the table; `detail` is the sentence for people; `hash` is the hash it shares, if it shares one.
    """

    status: str
    detail: str
    hash: str = ""


@dataclass(frozen=True)
class Finding:
    """One row of the audit: a checkpoint, the files that will be used, and what was found.

    `recovered` says in words where the right weights were taken from, if the named place had wrong ones.
    """

    model: ModelSource
    step: int
    listing: Listing | None
    format: Format | None
    weights: tuple[ModelFile, ...] = ()
    fault: Fault | None = None
    support: tuple[ModelFile, ...] = ()
    note: str = ""
    recovered: str = ""
