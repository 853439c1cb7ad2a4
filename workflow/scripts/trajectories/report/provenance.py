"""Where the numbers come from: versions, commits, protocol, machine, time per stage."""

import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from trajectories.provenance import processor, versions
from trajectories.study.config import Study
from trajectories.study.protocol import protocol_label

TOLD_ELSEWHERE = frozenset({"pandas", "ARROW:schema", "protocol", "model", "step", "source", "commit", "proofs"})
LOOKS = ("snakemake", "matplotlib", "plotly")


@dataclass(frozen=True)
class Provenance:
    """What the last chapter of the page prints: (name, value) pairs under headings, the config, time per stage."""

    facts: Mapping[str, Sequence[tuple[str, str]]]
    config: str
    stages: pd.DataFrame


def provenance(
    study: Study, *, scores: Iterable[Path] = (), questions: Iterable[Path] = (), benchmarks: Iterable[Path] = ()
) -> Provenance:
    """Gather provenance from the config, the metadata inside score and question files, and Snakemake's benchmarks."""
    scores = list(scores)
    facts: dict[str, Sequence[tuple[str, str]]] = {
        "Protocol": protocol_facts(study),
        "Not scored as trees": way_facts(scores),
        "Scores": metadata_facts(scores),
        "Questions": [fact for path in questions for fact in metadata_facts([path], f"{path.stem}: ")],
        "This page": [("workflow", workflow_commit()), ("processor", processor()), *package_versions()],
    }
    config = yaml.safe_dump(study.model_dump(mode="json", by_alias=True, exclude_defaults=True), sort_keys=False)
    return Provenance({k: v for k, v in facts.items() if v}, config, stage_times(benchmarks))


def protocol_facts(study: Study) -> list[tuple[str, str]]:
    """Return the protocol's preset and options; for imported accuracies, where they come from instead."""
    if study.imported is not None:
        where = study.imported.path or study.data or "fetched from the public repository"
        return [("accuracies", f"imported ({study.imported.format}): {where}")]
    options = study.protocol.model_dump()
    return [("protocol", protocol_label(study.protocol)), *((key, _option(value)) for key, value in options.items())]


def way_facts(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Return (model, how and why) of the models with tasks that were scored the plain way."""
    import pyarrow.parquet as pq

    found: dict[str, dict[str, None]] = {}
    for file in files:
        header = {key.decode(): value.decode() for key, value in (pq.read_schema(file).metadata or {}).items()}
        for made in json.loads(header.get("tasks", "{}")).values():
            if made.get("way") == "plain":
                proofs = json.loads(made.get("proofs", "{}"))
                told = f"{proofs.get('means', 'alone')}: {proofs.get('reason', '')}".strip(": ")
                found.setdefault(header.get("model", ""), {})[told] = None
    return [(model, "; ".join(told)) for model, told in found.items()]


def metadata_facts(files: Iterable[Path], prefix: str = "", most: int = 4) -> list[tuple[str, str]]:
    """Return the metadata of parquet files as (key, values): each distinct value once, the first `most` in full.

    Values that are JSON objects are opened, down to their innermost keys. What other parts of the page tell in full
    (the protocol, the commit of each checkpoint) is left out.
    """
    import pyarrow.parquet as pq

    values: dict[str, dict[str, None]] = {}
    for file in files:
        for name, content in (pq.read_schema(file).metadata or {}).items():
            for key, value in _leaves(name.decode(errors="replace"), content.decode(errors="replace")):
                values.setdefault(key, {})[value] = None
    return [(prefix + key, _several(list(distinct), most)) for key, distinct in values.items()]


def _leaves(key: str, value: str) -> Iterator[tuple[str, str]]:
    if key in TOLD_ELSEWHERE:
        return
    try:
        opened = json.loads(value)
    except ValueError:
        opened = None
    if not isinstance(opened, dict):
        yield key, value
        return
    for inner, content in opened.items():
        yield from _leaves(inner, content if isinstance(content, str) else json.dumps(content))


def _option(value: object) -> str:
    """Write an option's value: text that is blank or has blanks in quotes."""
    if value is None:
        return "none"
    return repr(value) if isinstance(value, str) and (not value or value.strip() != value) else str(value)


def package_versions() -> list[tuple[str, str]]:
    """Return the installed versions of the packages that decide numbers and looks."""
    found = versions()
    for package in LOOKS:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return list(found.items())


def workflow_commit(folder: Path | None = None) -> str:
    """Return the git commit of the workflow's own files, or say that there is none."""
    where = folder or Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (" with uncommitted changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


def stage_times(benchmarks: Iterable[Path]) -> pd.DataFrame:
    """Return per stage: jobs, seconds in all, the longest job, peak memory in MB.

    `benchmarks` are files that Snakemake's `benchmark:` wrote, or scoring for each checkpoint; a stage is the name of
    the file's folder, or of the file where it lies in the folder `benchmarks` itself.
    """
    rows = [(_stage(path), *_benchmark(path)) for path in benchmarks if path.is_file()]
    table = pd.DataFrame(rows, columns=["stage", "seconds", "memory"])
    grouped = table.groupby("stage", sort=False)
    return pd.DataFrame(
        {
            "jobs": grouped.size(),
            "seconds": grouped["seconds"].sum().round(1),
            "longest_seconds": grouped["seconds"].max().round(1),
            "peak_memory_mb": grouped["memory"].max().round(),
        }
    ).reset_index()


def _stage(path: Path) -> str:
    return path.stem if path.parent.name == "benchmarks" else path.parent.name


def _benchmark(path: Path) -> tuple[float, float]:
    table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    return float(table["s"].sum()), float(table["max_rss"].max())


def _several(values: list[str], most: int) -> str:
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return "; ".join(values[:most]) + more
