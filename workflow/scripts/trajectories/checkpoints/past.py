"""Earlier commits of a model's branches, read from the hub when asked for and once each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trajectories.checkpoints.candidates import Candidate
from trajectories.checkpoints.records import Listing
from trajectories.checkpoints.survey import Survey
from trajectories.hub import client as hub
from trajectories.hub.files import ModelFile
from trajectories.hub.history import Commit, history

MAIN_COMMITS = 1000  # of `main`, at most: where suites keep their steps there, it is as long as the suite


class Past:
    """What the hub remembers of one model's branches."""

    def __init__(self, survey: Survey) -> None:
        self._main = next((listing for listing in survey.listings if listing.step is None), None)
        self._last_step = survey.last_step
        self._commits: dict[str, list[Commit]] = {}
        self._files: dict[str, tuple[ModelFile, ...]] = {listing.commit: listing.files for listing in survey.listings}

    def earlier(self, listings: Mapping[int, Listing], depth: int) -> dict[int, list[Commit]]:
        """Return at most `depth` commits before the present one of each branch, the newest first."""
        self._read(list(listings.values()), depth + 1)
        return {
            step: [commit for commit in self._commits[listing.revision] if commit.id != listing.commit][:depth]
            for step, listing in listings.items()
        }

    def candidates(self, turn: Mapping[int, Commit], at: Mapping[int, Listing]) -> list[Candidate]:
        """Return what lay on the branches at the given commits, by step; `at` is what lies there now."""
        missing = {commit.id: at[step] for step, commit in turn.items() if commit.id not in self._files}
        listed = hub.in_parallel(lambda item: hub.list_files(str(item[1].repo), item[0]), missing.items())
        self._files |= dict(zip(missing, listed, strict=True))
        return [
            Candidate(step, replace(at[step], commit=commit.id, files=self._files[commit.id]), f"an earlier {commit}")
            for step, commit in turn.items()
        ]

    def precedes_branch(self, candidate: Candidate, now: Listing) -> bool:
        """Whether a commit was made before its branch left `main`, so that its weights were those of `main`.

        `now` is what lies on the branch. The last step is `main`'s own; where the branch as it is lies on `main` too,
        nothing can be told.
        """
        if self._main is None or candidate.step == self._last_step:
            return False
        self._read([self._main], MAIN_COMMITS)
        on_main = {commit.id for commit in self._commits[self._main.revision]}
        return candidate.listing.commit in on_main and now.commit not in on_main

    def heads(self, listings: Sequence[Listing]) -> dict[int | None, Commit | None]:
        """Return the newest commit of each listing's branch, None where the hub does not tell."""
        self._read(listings, 1)
        return {listing.step: next(iter(self._commits[listing.revision]), None) for listing in listings}

    def _read(self, listings: Sequence[Listing], most: int) -> None:
        wanted = {entry.revision: entry for entry in listings if entry.repo and entry.revision not in self._commits}
        read = hub.in_parallel(lambda entry: history(str(entry.repo), entry.revision, most), wanted.values())
        self._commits |= dict(zip(wanted, read, strict=True)) | {
            entry.revision: [] for entry in listings if not entry.repo
        }
