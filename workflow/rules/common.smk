# Functions and names that the rules share; no rules here.
import json
import os
import re
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

# Scripts lie beside these rules, also where another workflow takes this one as a module. Of a module that comes from
# elsewhere Snakemake fetches single scripts, not their folder: the package must then be an installed one.
RULES = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
SCRIPTS = RULES.parent / "scripts" if RULES.is_dir() else Path(workflow.source_path("../scripts/score.py")).parent
sys.path.insert(0, str(SCRIPTS))
# The logger plugin may have brought an installed package along. The one beside the rules is what jobs run, and so what
# their parameters are made of.
if "trajectories" in sys.modules and not str(sys.modules["trajectories"].__file__).startswith(str(SCRIPTS)):
    for name in [name for name in sys.modules if name.split(".")[0] == "trajectories"]:
        del sys.modules[name]

from snakemake_interface_executor_plugins.settings import DeploymentMethod

from snakemake.logging import logger
from trajectories.errors import UserError
from trajectories.imports.files import files_of
from trajectories.imports.formats import ENDINGS
from trajectories.imports.whole import filled_in
from trajectories.provenance import code_digest
from trajectories.jobs import resources
from trajectories.jobs.batches import Crew, batches, crew_of, job_sizes
from trajectories.jobs.devices import visible_gpus
from trajectories.jobs.unscored import unscored
from trajectories.preflight.findings import Findings
from trajectories.study.claim import claim
from trajectories.study.config import Study
from trajectories.study.sources import source_of
from trajectories.terminal.final import Final
from trajectories.terminal.nothing import Nothing


def load_study(config):
    """Return the checked config, and what an import's files filled in; mistakes end everything, with a line for each."""
    where = ", ".join(map(str, workflow.overwrite_configfiles)) or "config"
    filled = {}
    try:
        filled, told = filled_in(config)
        return Study.from_config(filled, where), told
    except UserError as error:
        from trajectories.preflight.behind import further_mistakes

        lines = [*str(error).splitlines(), *further_mistakes(filled, str(error), where)]
        sys.exit("\n".join(f"error: {line}" for line in lines))


# Words for `known_tasks` and `new` are no part of a study.
FIND = str(config.pop("find", ""))
NEW = {key: str(config.pop(key)) for key in ("file", "suite") if key in config}
STUDY, TOLD = load_study(config)
RESULTS = f"results/{STUDY.study}"
LOGS = f"{RESULTS}/logs"
STORE = "results/store"
SCRATCH = STUDY.checkpoints.scratch or f"{RESULTS}/checkpoints"
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
PYTHON = "python" if CONDA else sys.executable
GPUS = visible_gpus(os.environ) if STUDY.scoring.device == "auto" else []
BESIDE = {"status", "fetch", "known_tasks", "check", "new"}  # rules that may run beside another Snakemake
IMPORTED = STUDY.imported is not None
ANSWERED = IMPORTED and STUDY.imported.of_questions  # the import brings single questions, from which all else is made
SCORED = ANSWERED or not IMPORTED
# What decides where an imported accuracy belongs.
IMPORT_SECTIONS = ("study", "models", "steps", "tasks", "averages", "checkpoints", "data")
# Modules that say where a model gives the same answer to everything.
CODE_OF_ANSWERS = [f"trajectories.analysis.{name}" for name in ("answers", "constants", "points", "question_metrics")]
# Kinds of tables beside the regression; the report shows each. The last need scores of single questions.
STATISTICS = ["trends", "declines", "shapes", "breaks", "sensitivity", "survival", "premises", "effects", "variation"]
STATISTICS += ["power"] + (["losses", "fates", "flips", "overlap"] if SCORED else [])


def bound(name, default):
    """Return a number that a profile or --resources sets for the whole run."""
    value = workflow.global_resources.setdefault(name, default)
    return int(getattr(value, "value", value))  # a profile's number comes as Snakemake's own Resource


def whole_run():
    """Return what is true of the whole run: how many downloaded checkpoints may lie on disk, and who works on it.

    A job on a cluster reads the workflow again, with other cores and other bounds: it is told by the Snakemake that
    sends it, through its environment, and so cuts checkpoints into the same jobs.
    """
    if workflow.is_main_process:
        on_disk, minutes = bound("checkpoints_on_disk", 2), bound("batch_minutes", 30)
        crew = crew_of(STUDY, GPUS, workflow.cores, workflow.nodes, on_disk, minutes)
        os.environ[RUN] = json.dumps({"on_disk": on_disk, "crew": asdict(crew)})
    told = json.loads(os.environ[RUN])
    return told["on_disk"], Crew(**told["crew"])


RUN = "TRAJECTORIES_RUN"
ON_DISK, CREW = whole_run()


envvars:
    RUN,


def entry(script):
    """Return the command that runs a script; as a param it must take `threads`, so that it never triggers a job."""
    return f"{PYTHON} {SCRIPTS}/{script}"


def one_of(names):
    """Return a wildcard constraint that matches exactly these names."""
    return "|".join(map(re.escape, sorted(set(names)))) or "(?!)"


def checkpoints():
    """Return every (model, step) of the study."""
    return [(model.name, step) for model in STUDY.models for step in STUDY.steps_of(model)]


def scores():
    """Return the scores file of every checkpoint."""
    return [f"{RESULTS}/scores/{model}/step{step}.parquet" for model, step in checkpoints()]


def written():
    """Return whether models write the answers of any task."""
    return not IMPORTED and any(task.writes for task in STUDY.tasks)


def several_ways():
    """Return whether a task is asked in several ways."""
    return any(task.of for task in STUDY.tasks)


def written_questions():
    """Return the questions files of the tasks whose answers models write, by task."""
    return {task.name: f"{RESULTS}/questions/{task.name}.parquet" for task in STUDY.tasks if task.writes}


def judged():
    """Return the tasks whose texts the evaluation harness judges."""
    return [task for task in STUDY.tasks if task.harness is not None and task.writes and not IMPORTED]


def judged_table():
    """Return the table of what the evaluation harness made of texts, where there are any."""
    return [f"{RESULTS}/judged.tsv"] if judged() else []


def generation(model, step):
    """Return the file of a checkpoint's texts."""
    return f"{RESULTS}/generations/{model}/step{step}.parquet"


def shown_checkpoints():
    """Return the first, the middle and the last checkpoint of the largest model, whose texts the report shows."""
    model = max(STUDY.models, key=lambda model: model.parameters)
    steps = sorted(STUDY.steps_of(model))
    return [(model.name, step) for step in dict.fromkeys([steps[0], steps[len(steps) // 2], steps[-1]])]


def generations():
    """Return the file of texts of every checkpoint; none where all tasks are scored."""
    return [generation(*checkpoint) for checkpoint in checkpoints()] if written() else []


def questions_files():
    """Return the questions file of every task."""
    return [f"{RESULTS}/questions/{task.name}.parquet" for task in STUDY.tasks]


def listed():
    """Return, as params of a rule that lists them, the tasks and averages, and the metrics of both in this order."""
    return {
        "tasks": lambda wildcards: [task.canonical() for task in STUDY.tasks],
        "averages": lambda wildcards: [average.canonical() for average in STUDY.averages],
        "listed_metrics": [STUDY.metric_of(thing) for thing in (*STUDY.tasks, *STUDY.averages)],
    }


def requests_files(tokenizer):
    """Return the requests files in one tokenizer: one per prefix tree."""
    return [f"{RESULTS}/requests/{tokenizer}/{tree}.safetensors" for tree in STUDY.trees]


@cache
def requests_of(model):
    """Return the requests files a model is scored on, in the model's tokenizer."""
    return requests_files(STUDY.tokenizer_of(STUDY.model(model)).name)


def all_requests():
    """Return the requests files in every tokenizer of the study."""
    return [path for tokenizer in STUDY.tokenizers for path in requests_files(tokenizer.name)]


def encode_checkpoints():
    """Return the audit's table if a tokenizer lies with checkpoints, which only the audit knows to be there."""
    return [] if all(tokenizer.location for tokenizer in STUDY.tokenizers) else [f"{RESULTS}/checkpoints.tsv"]


def trained_suite():
    """Return the folders of the pocket suite's models; nothing for other suites."""
    return [f"{RESULTS}/suite/{model.name}" for model in STUDY.models] if STUDY.pocket else []


def score_rules():
    """Return the batches that scoring is cut into, a rule each; what a profile sets for `score` holds for all."""
    settings = workflow.resource_settings
    cut = [] if IMPORTED else batches(STUDY, CREW)
    for batch in cut:
        own, first = (workflow.modifier.modify_rulename(name) for name in (batch.name, "score"))
        for given in (settings._parsed_overwrite_resources, settings._parsed_overwrite_threads):
            if first in given:
                given.setdefault(own, given[first])
    return cut


def batch_outputs(batch):
    """Return the scores files of a batch, of whichever model."""
    steps = ["{step}"] if batch.steps is None else batch.steps
    return [f"{RESULTS}/scores/{{model}}/step{step}.parquet" for step in steps]


@cache
def downloaded(model):
    """Tell whether a model's checkpoints are downloaded, or lie in local folders."""
    return source_of(STUDY.model(model), STUDY.checkpoints)[1] is None


def checkpoints_on_disk(model, steps, requests):
    """Return how many downloaded checkpoints a scoring job holds on disk: of several, one is scored, the next comes."""
    if not downloaded(model):
        return 0
    left = unscored(
        f"{RESULTS}/checkpoints.tsv", model, tuple(steps), tuple(requests), STORE, STUDY.section("protocol", "scoring")
    )
    return min(left, 2, ON_DISK)


@cache
def score_threads(model):
    """Return the cores of a scoring job: one for the smallest models, two beside a GPU, else half of all there are."""
    if STUDY.model(model).parameters < resources.SMALL:
        return 1
    return 2 if GPUS or STUDY.scoring.device.startswith("cuda") else max(1, (workflow.cores or 2) // 2)


@cache
def score_mem_mb(model, count, attempt):
    """Return the memory of a scoring job, more on each attempt."""
    return attempt * resources.memory_mb(STUDY.model(model).parameters, STUDY.scoring.dtype, count > 1)


def score_runtime(model, count, requests, attempt):
    """Return the minutes a scoring job may take, known once its requests are there, more on each attempt."""
    device = resources.device_of(STUDY.plan.device, STUDY.scoring.device)
    tokens = resources.most_tokens(requests)
    network = STUDY.plan.network_mb_per_s * 1e6
    rate = network if downloaded(model) else None
    return attempt * resources.minutes(STUDY.model(model).parameters, STUDY.scoring.dtype, tokens, device, rate, count)


def from_hub(tokenizer):
    """Tell whether a tokenizer is downloaded: by itself, or with its model's checkpoints."""
    return not Path(tokenizer.location).is_dir() if tokenizer.location else downloaded(tokenizer.model)


def network_needs():
    """Return which of the jobs to come ask the hub, in words; scoring not, whose checkpoints may have been fetched."""
    jobs = list(workflow.dag.needrun_jobs())
    named = {job.rule.name for job in jobs}
    read = [STUDY.task(job.wildcards.task) for job in jobs if job.rule.name == "questions"]
    needs = {
        "the audit": "audit" in named and any(downloaded(model.name) for model in STUDY.models),
        "downloads": "fetch" in named and any(downloaded(model.name) for model in STUDY.models),
        "questions": any(task.hub or (task.text and task.text.hub) for task in read),
        "tokenizers": "encode" in named and any(from_hub(tokenizer) for tokenizer in STUDY.tokenizers),
    }
    return [what for what, needed in needs.items() if needed]


def look_before():
    """Say all that can be known before the first job, and end everything where a mistake is among it."""
    named = {job.rule.name for job in workflow.dag.needrun_jobs()}
    if NEW and "new" not in named:
        sys.exit(f"error: config: {', '.join(NEW)} is a word for `snakemake new` alone; a study has no such key")
    if named <= BESIDE - {"check"}:
        return
    found = Findings() if IMPORTED else ahead()  # of an import `look_ahead` finds nothing: it need not be loaded
    if not found.mistakes and (needs := network_needs()):
        from trajectories.preflight.network import look_at_network  # a third of a second to import

        look_at_network(needs, found)
    for warning in found.warnings:
        if "check" in named or not warning.startswith("task "):  # those are in the log of the task's questions
            logger.warning(f"warning: {warning}")
    if found.mistakes:
        sys.exit("\n".join(f"error: {mistake}" for mistake in found.mistakes))
    if "check" in named:
        logger.info(f"check: no mistake, {len(found.warnings)} warnings", extra={"made": True})


def ahead():
    """Return what can be known before the first job of a study that is scored."""
    from trajectories.preflight.stage import look_ahead

    gpus = visible_gpus(os.environ) if workflow.local_exec else None
    return look_ahead(STUDY, results=Path(RESULTS), scratch=Path(SCRATCH), on_disk=ON_DISK, gpus=gpus)


def claim_study():
    """Make this the only Snakemake that works on the study, but for rules that may run beside it."""
    if {job.rule.name for job in workflow.dag.needrun_jobs()} <= BESIDE:
        return None
    try:
        return claim(RESULTS)
    except UserError as error:
        sys.exit(f"error: {error}")


def finished_scores():
    """Return how many scores the store holds: the plan is made again when it changes."""
    return sum(1 for _ in Path(STORE).glob("*/*.parquet"))


def figure(name):
    """Return a figure's files: for print, for pages, and for slides."""
    return [f"{RESULTS}/figures/{name}.{ending}" for ending in ("pdf", "svg", "png")]


def model_names():
    """Return how figures call the models: by titles, but by names where a title stands for two."""
    titles = [model.title for model in STUDY.models]
    return {model.name: model.title if titles.count(model.title) == 1 else model.name for model in STUDY.models}


def other_figures():
    """Return the names of the figures beside Figure 1 that this study has tables for."""
    several = len(set(STUDY.suites.values())) > 1
    return [
        "coefficients",
        "surface",
        "models",
        *["compute"] * several,
        *["consistency"] * SCORED,
        *["replication"] * bool(STUDY.reference),
    ]


def figures():
    """Return the names of all figures this study has tables for."""
    return ["accuracy", *other_figures()]


def figure_tables():
    """Return the tables that the figures beside Figure 1 are drawn from, by kind."""
    kinds = ["accuracy", "answers", "regression", "trends", *["distances", "consistency"] * SCORED]
    return statistics(*kinds, *["compare"] * bool(STUDY.reference))


def statistics(*kinds):
    """Return the files of these kinds of tables, by kind."""
    return {kind: f"{RESULTS}/{kind}.tsv" for kind in kinds}


def import_files():
    """Return the files accuracies are imported from, as far as they lie here."""
    where = STUDY.imported.path if IMPORTED else None
    if where is None:
        return []
    try:
        return [str(file) for file in files_of(where, ENDINGS[STUDY.imported.format])]
    except UserError as error:
        sys.exit(f"error: config: {error}")


def flags_that_exclude():
    """Return the table of checkpoints out of order, where the study leaves these out."""
    return [f"{RESULTS}/consistency.tsv"] if STUDY.statistics.exclude_inconsistent else []


def reference_table():
    """Return the accuracy table this study is compared with."""
    if STUDY.reference is None:
        sys.exit("error: config: reference is not set; name `published` or another study to compare with")
    if STUDY.reference == "published":
        return f"{RESULTS}/reference.tsv"
    table = f"results/{STUDY.reference}/accuracy.tsv"
    if not Path(table).exists():
        sys.exit(f"error: config: reference: {table} does not exist; run the study {STUDY.reference!r} first")
    return table


def report_tables():
    """Return the tables the report shows, by kind."""
    kinds = ["accuracy", "answers", "regression", "table1", *STATISTICS]
    kinds += ["by_axis"] if STUDY.statistics.axis != "tokens" else []
    kinds += ["imported", "import_notes"] if IMPORTED else ["speed"]
    kinds += ["checkpoints", "consistency", "twins"] if SCORED else []
    kinds += ["compare", "compare_summary"] if STUDY.reference else []
    kinds += ["texts"] if written() else []
    kinds += ["protocols"] if several_ways() else []
    return {kind: f"{RESULTS}/{kind}.tsv" for kind in kinds}


def targets():
    """Return everything a study makes."""
    return [
        f"{RESULTS}/report.html",
        f"{RESULTS}/table1.md",
        *generations(),
        *(file for name in figures() for file in figure(name)),
    ]


def report_there():
    """Return where the report is, where a whole study was asked for and has one."""
    page = Path(RESULTS) / "report.html"
    whole = {"study", "all", "report"} & {job.rule.name for job in workflow.dag.targetjobs}
    return [f"report: {page.resolve().as_uri()}"] if whole and page.exists() else []


if workflow.is_main_process:
    logger.addHandler(Nothing(logger, report_there))


def made():
    """Return what a run says at its end: what the study found and where its report is, or what the audit found."""
    named = {job.rule.name for job in workflow.dag.finished_jobs}
    if "report" in named:
        found = (Path(RESULTS) / "summary.txt").read_text(encoding="utf-8").splitlines()
        return [*found, *report_there()]
    if {job.rule.name for job in workflow.dag.targetjobs} == {"audit"} & named:
        from trajectories.checkpoints.stage import summary
        from trajectories.tables import read_table

        return summary(read_table(f"{RESULTS}/checkpoints.tsv", "checkpoints")).splitlines()
    return []


wildcard_constraints:
    model=one_of(model.name for model in STUDY.models),
    task=one_of(task.name for task in STUDY.tasks),
    step=r"\d+",
