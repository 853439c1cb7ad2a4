"""What must hold between the sections of a config; each mistake is one line, and all are found at once."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trajectories.errors import UserError
from trajectories.study.metrics import IMPORTED, LESS_IS_BETTER, METRICS, is_known
from trajectories.study.sources import source_of, tokens_of
from trajectories.study.strict import suggestion
from trajectories.study.values import has_step

if TYPE_CHECKING:
    from trajectories.study.config import Study


def misfits(study: "Study") -> list[str]:
    """Return a line for everything that does not fit together."""
    found = [*_twice("models", [model.name for model in study.models])]
    found += _twice("tasks", [task.name for task in study.tasks] + [average.name for average in study.averages])
    if study.imported is None:
        found += [*_sources(study), *_suite(study), *_generators(study), *_questions(study), *_tokens(study)]
    return [*found, *_ways(study), *_sizes(study), *_metrics(study), *_axis(study)]


def _twice(key: str, names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(name for index, name in enumerate(names) if name in names[:index]):
        yield f"{key}: the name {name!r} is there twice; names must differ"


def _ways(study: "Study") -> Iterator[str]:
    names, ways = {task.name for task in study.tasks if task.of is None}, dict[tuple[str, str], str]()
    for task in study.tasks:
        if task.of is not None and task.of not in names:
            yield f"tasks: {task.name!r} is of {task.of!r}, which is no task of this study{suggestion(task.of, names)}"
        elif (one := ways.setdefault((task.asks, task.way), task.name)) != task.name:
            yield f"tasks: {task.name!r} asks {task.asks!r} in the same way ({task.way}) as {one!r}; take one out"


def _sources(study: "Study") -> Iterator[str]:
    patterns = set()
    for model in study.models:
        hub, folder = source_of(model, study.checkpoints)
        if hub is None and folder is None:
            yield f"model {model.name!r}: has no checkpoints; set checkpoints.hub or checkpoints.folder"
        elif hub is not None and folder is not None:
            yield f"model {model.name!r}: give either checkpoints.hub or checkpoints.folder, not both"
        elif folder is not None and not has_step(folder):
            patterns.add(folder)
    for folder in sorted(patterns):
        yield (
            f"checkpoints.folder: {folder!r} has no {{step}}; every step needs a folder of its own, "
            f"as in {folder.rstrip('/')}/step{{step}}"
        )


def _suite(study: "Study") -> Iterator[str]:
    """A suite is trained into its study's folder; what lies elsewhere may be the suite of another seed."""
    trained = "results/{study}/suite/{model}/step{step}".replace("{study}", study.study)
    sources = {model.name: source_of(model, study.checkpoints) for model in study.models} if study.pocket else {}
    for place in dict.fromkeys(
        hub or folder
        for name, (hub, folder) in sources.items()
        if hub or (folder and folder.replace("{model}", name) != trained.replace("{model}", name))
    ):
        yield (
            f"checkpoints: {place!r} is not where the study's pocket suite is trained; write "
            "folder: results/{study}/suite/{model}/step{step}, or take `pocket` out"
        )


def _generators(study: "Study") -> Iterator[str]:
    for task in study.tasks:
        if task.generator is not None and task.seed is None and study.pocket is None:
            yield (
                f"tasks: {task.name!r} is generated from a seed, and without a pocket suite there is none: say whose "
                f"questions are meant, {{task: {task.name}, seed: 1}} (1 is the demo's)"
            )


def _sizes(study: "Study") -> Iterator[str]:
    parameters: dict[str, int] = {}
    for model in {model.name: model for model in study.models}.values():  # names there twice are said elsewhere
        size = study.sizes[model.name]
        count = parameters.setdefault(size, model.parameters)
        if count != model.parameters:
            yield f"model {model.name!r}: is a run of the size {size!r}, so its parameters are {count}"


def _questions(study: "Study") -> Iterator[str]:
    for task in study.tasks:
        if all(source is None for source in (task.file, task.hub, task.text, task.generator, task.harness)):
            yield f"tasks: {task.name!r} has no questions; give exactly one of file, hub, text, generator and harness"


def _tokens(study: "Study") -> Iterator[str]:
    lines = []
    for model in study.models:
        try:
            for step in study.steps_of(model):
                tokens_of(model, study.checkpoints, step)
        except UserError as error:
            lines.append(str(error))
    yield from lines[:1]  # one key mends them all


def _axis(study: "Study") -> Iterator[str]:
    if study.statistics.axis == "loss" and study.running_text is None:
        yield (
            "statistics.axis: loss is that on a running text, and no task of the study is one; add "
            "{name: my_text, text: {file: my_text.txt}}"
        )


def _metrics(study: "Study") -> Iterator[str]:
    tasks = {task.name for task in study.tasks}
    known = tasks | {average.name for average in study.averages}
    for name in study.statistics.metrics:
        if name not in known:
            yield f"statistics.metrics: unknown task {name!r}{suggestion(name, known)}"
    for average in study.averages:
        for name in average.tasks:
            if name not in tasks:
                yield f"averages: {average.name}: unknown task {name!r}{suggestion(name, tasks)}"
    for place, task in enumerate(study.tasks):
        metric = study.metric_of(task).removesuffix(LESS_IS_BETTER)
        if metric in METRICS or (study.imported is not None and metric in IMPORTED):
            continue
        if task.harness is not None and task.writes and (study.imported is None or is_known(metric)):
            continue
        if study.imported is None:
            near = suggestion(metric, set(METRICS))
            yield f"tasks[{place}].metric is {metric!r}: is not computed here{near}"
        elif task.better is None or task.range is None:
            yield (
                f"tasks: {task.name!r}: metric {metric!r} is not known here; say which way it is better and its "
                "bounds: better: higher, range: [0, 1]"
            )
