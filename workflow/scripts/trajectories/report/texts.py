"""What the page says about each figure and table: titles, captions, column headings. The only place for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """A heading and an explanation, in plain text."""

    title: str
    caption: str


@dataclass(frozen=True)
class TableText(Text):
    """The same for a table, with the columns the page shows (all, if none are named) and their headings."""

    columns: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


FIGURES: Mapping[str, Text] = {
    "accuracy": Text(
        "Accuracy over training",
        "One panel per task, one line per model from light (smallest) to dark (largest); training tokens (or compute) "
        "on a log axis, or the loss falling to the right, each panel with its own y axis. The dashed line is what "
        "guessing gives: the mean over questions of the share of true choices. Bands, where drawn, are plus and minus "
        "one standard error over questions; hollow points are checkpoints the audit found wrong. A tick "
        "through a point: the model gives the same answer to (nearly) every question, and the value says which.",
    ),
    "coefficients": Text(
        "What size and training do to accuracy",
        "Coefficients of the regression of z-scored accuracy on z-scored log10 parameters, log10 tokens and their "
        "product, one fit per task, with 95 % confidence intervals. Filled points are significant after correction "
        "over all terms of all tasks, hollow ones are not. Left of the line: worse with more.",
    ),
    "surface": Text(
        "The fitted surface against the data",
        "Per task, models (rows, largest on top) by checkpoints (columns): observed accuracy, the regression's fit, "
        "and what is left, observed minus fitted. Stripes in the residual are what a plane cannot bend to.",
    ),
    "compute": Text(
        "Loss against training compute",
        "One panel per task, one line per suite: the last checkpoint of each model, its compute 6 x parameters x "
        "tokens. "
        "Losses are on a log axis, less is better; a line that rises is inverse scaling. Bars are plus and minus one "
        "standard error over questions. A task without a loss is shown by its own metric. A tick through a point: that "
        "model gives the same answer to (nearly) every question.",
    ),
    "consistency": Text(
        "Checkpoints by their scores",
        "One map per model, its steps on both axes: the distance between two checkpoints' scores, dark where they are "
        "alike. Along a training run it grows away from the diagonal; a stray row is a checkpoint that is not what its "
        "name says. Flagged steps are marked.",
    ),
    "replication": Text(
        "Ours against the reference",
        "One point per model, step and task: the reference's accuracy across, ours up, bars one standard error each "
        "way. On the diagonal both agree. Marked points differ by more than sampling explains, after correction.",
    ),
    "models": Text(
        "Each model by itself",
        "One row per model, one column per task. The colour says where the trend over tokens goes: blue gets better, "
        "orange worse. Strong lines are significant after correction over all panels, thin and pale ones are not; grey "
        "ones have too few steps to tell, or never vary. A dot marks a model's best checkpoint where the last is "
        "significantly below it, beyond what other questions and a neighbouring checkpoint would give.",
    ),
}  # fmt: skip

_P = {"p_fdr": "corrected p", "stderr": "std. error", "r_squared": "R²", "points": "points"}

_COMPARED = ("model", "step", "task", "value", "reference", "difference", "stderr", "z", "p_fdr", "verdict")

TABLES: Mapping[str, TableText] = {
    "regression": TableText(
        "The regression in full",
        "One row per task and term of the regression behind the table above; p-values are corrected over all terms of "
        "all tasks (Benjamini and Hochberg).",
        titles=_P,
    ),
    "by_axis": TableText(
        "The regression along another axis",
        "The same regression with tokens replaced: by compute, or by the loss of the same checkpoint on the study's "
        "running text, turned so that more training is more. A negative coefficient of the loss says that the value "
        "falls as the loss falls, whatever the size of the model. Figure 1, this table and, along the loss, a row per "
        "task of the shapes follow statistics.axis; Table 1, its checks, and the trends of single models are over "
        "tokens.",
        titles=_P,
    ),
    "trends": TableText(
        "Trends of single models over tokens",
        "The trend per tenfold tokens with its interval, and the correlation of neighbouring checkpoints' noise on "
        "which it rests; the drop from the best checkpoint to the last, its error that of questions and checkpoints.",
        ("model", "task", "finding", "trend", "trend_low", "trend_high", "p_fdr", "serial", "best_step", "best", "last",
         "drop", "drop_stderr", "drop_p_fdr", "reason"),
        _P | {"trend": "trend per tenfold tokens", "drop_p_fdr": "corrected p of drop",
              "drop_stderr": "std. error of drop",
              "serial": "correlation assumed"},
    ),
    "declines": TableText(
        "On how many tasks a model declines",
        "Under each rule, the number of tasks on which the model's accuracy declines over training, and which.",
    ),
    "shapes": TableText(
        "Shapes",
        "Flat, rising, falling, U or inverted U: by the two-lines test and by AICc among constant, linear and bent "
        "curves, with the turning point and its interval. Each row names its axis: tokens in a model, parameters at a "
        "step, compute over all models, and with axis: loss the loss of the same checkpoint. Turns are in the units of "
        "the axis. A U that is below chance early on says nothing about inverse scaling.",
        ("task", "axis", "group", "two_lines", "aicc", "agree", "below_chance", "turn", "turn_low", "turn_high",
         "reason"),
        {"two_lines": "two-lines test", "aicc": "by AICc", "below_chance": "points below chance"},
    ),
    "survival": TableText(
        "Does each cell of Table 1 hold?",
        "The verdict rests on four tests whose error rates hold when checkpoints of a model, and runs of a size, hang "
        "together: CR2 errors, the mixed model, the wild bootstrap, the permutation. A cell holds where all of "
        "them that can tell agree with Table 1. A check says lost where the cell is significant in Table 1 and not "
        "here, appears the other way round, nowhere significant where it is in neither, and cannot tell where this "
        "design would miss even a large effect. The other columns change the errors, the sizes, the data or the metric "
        "and stand beside the verdict.",
        ("task", "term", "p_fdr", "verdict", "cr2", "mixed", "wild_bootstrap", "permutation", "held", "checked", "hc3",
         "cluster", "leave_size_out", "leave_step_out", "exact_parameters", "body_parameters", "logit", "loss",
         "margin"),
        _P | {"cr2": "CR2", "hc3": "HC3", "cluster": "clustered", "wild_bootstrap": "wild boot.",
              "mixed": "mixed model", "permutation": "permuted", "leave_size_out": "less a size",
              "leave_step_out": "less a step", "exact_parameters": "exact sizes", "body_parameters": "body sizes"},
    ),
    "outcomes": TableText(
        "How large, and how sure",
        "What ten times the tokens, twice the parameters, and both together change, in points (hundredths) of a share "
        "or in the metric's own unit, with 95 % intervals (CR2). Filled: an effect that holds. Green: no effect beyond "
        "the smallest of interest, by an equivalence test. Amber: undecided, the data are open to both.",
    ),
    "effects": TableText(
        "Effects in the metric's own unit",
        "Each coefficient as what twice the parameters or ten times the tokens change, with the interval of the CR2 "
        "test, and the equivalence test against the smallest effect of interest.",
        ("task", "term", "change", "effect", "low", "high", "p_equivalence_fdr", "outcome", "reason"),
        {"p_equivalence_fdr": "corrected p of equivalence"},
    ),
    "premises": TableText(
        "May the plane be read?",
        "Per task: checkpoints that give the same answer to everything, checkpoints below what guessing gives, and "
        "whether the plane fits: bent where a parabola in log tokens explains a quarter of what the plane leaves and "
        "is significant between sizes, or whether its fitted values leave the metric's range.",
        ("task", "points", "constant", "chance", "below_chance", "plane", "r_squared", "gain", "p_bend_fdr",
         "fitted_low", "fitted_high", "reason"),
        _P | {"constant": "constant answers", "chance": "by guessing", "gain": "gain of a parabola",
              "p_bend_fdr": "corrected p of it", "fitted_low": "lowest fitted", "fitted_high": "highest fitted"},
    ),
    "variation": TableText(
        "Would another seed show this?",
        "Where values vary: between sizes beyond the line over size, runs of a size, checkpoints of a run, and "
        "questions (standard deviations, in the metric); per size the mean slope over tenfold tokens and the interval "
        "in which the slope of one more run is expected.",
        ("task", "size", "runs", "sd_sizes", "sd_runs", "sd_checkpoints", "sd_questions", "slope", "slope_low",
         "slope_high", "verdict", "note", "reason"),
        {"verdict": "again?", "sd_sizes": "between sizes", "sd_runs": "between runs",
         "sd_checkpoints": "between checkpoints", "sd_questions": "of questions"},
    ),
    "sensitivity": TableText(
        "The checks one by one", "Every coefficient under every check of the table above.", titles=_P
    ),
    "breaks": TableText(
        "Bends and breaks",
        "Whether a quadratic or a broken line fits better than the plane (all models) or a line (one model), and where "
        "it breaks. Over all models the clustered p is the one to read: models have courses of their own.",
        ("task", "group", "axis", "form", "points", "f", "p_fdr", "p_cluster_fdr", "aicc_straight", "aicc", "at",
         "at_low", "at_high", "slope_before", "slope_after", "reason"),
        _P | {"p_cluster_fdr": "corrected p, clustered"},
    ),
    "flips": TableText(
        "Questions learnt and lost between checkpoints",
        "Per pair of consecutive checkpoints: questions that became right and wrong, the change with its paired "
        "interval, and McNemar's test.",
        ("model", "task", "from_step", "to_step", "questions", "before", "after", "learnt", "lost", "difference", "low",
         "high", "p_fdr", "reason"),
        _P,
    ),
    "fates": TableText(
        "Fates of questions", "How many questions a model always had right, never, learnt, or lost for good."
    ),
    "overlap": TableText(
        "Do models lose the same questions?",
        "For pairs of models, questions lost by both against what independence would give.",
        titles=_P,
    ),
    "losses": TableText(
        "The questions with the largest losses",
        "Questions whose margin (log-likelihood of the best true choice minus that of the best false one, nats) fell "
        "furthest from a model's best checkpoint to its last.",
        ("task", "rank", "question", "context", "truth", "lure", "model", "models", "best_step", "best_margin",
         "last_step", "last_margin", "fall"),
        {"lure": "what it prefers instead", "truth": "true choice"},
    ),
    "ways": TableText(
        "One task, several ways of asking",
        "The shape of each task (rows) under each way of asking it (columns): over the sizes at the last step, or over "
        "compute where there are too few sizes; `unsure` where both ways of finding a shape disagree.",
        titles={"asked": "task"},
    ),
    "protocols": TableText(
        "The same, over size, training and compute, and what another way changes",
        "Training: the largest model's checkpoints. Value: the largest model's at its last step; difference: to the "
        "first way of asking, with its error as if other questions had been asked; p is corrected over all rows.",
        ("task", "way", "over_size", "over_training", "over_compute",
         "value", "difference", "stderr", "p_fdr", "change"),
    ),
    "texts": TableText(
        "What models write",
        "Ten questions of each task whose answers are written, from its first to its last evenly apart, under the "
        "first, the middle and the last checkpoint of the largest model: the text up to its end, and the answer in it.",
        titles={"truth": "true choice"},
    ),
    "power": TableText(
        "What this design could have found",
        "The smallest effect the study's models, steps and questions detect with the target power: an interaction, and "
        "in one model a trend or a drop, under the tests of this page.",
    ),
    "compare_summary": TableText(
        "Which tasks and models replicate",
        "Differences from the reference pooled over all cells, over each task and over each model: how many cells "
        "differ, and whether the differences lean one way.",
        ("scope", "name", "compared", "identical", "higher", "lower", "mean_difference", "largest_difference", "p_fdr",
         "verdict"),
        _P,
    ),
    "differing": TableText(
        "Cells that differ by more than they should",
        "Model, step and task where ours and the reference are further apart than sampling explains (corrected p), the "
        "surest first.",
        _COMPARED,
        _P,
    ),
    "compare": TableText(
        "Every cell against the reference",
        "Per model, step and task: ours minus the reference, its standard error, z, and p corrected over all cells.",
        _COMPARED,
        _P,
    ),
    "tasks": TableText(
        "What is asked",
        "The tasks, how many questions are asked (of how many, where a sample is), what guessing scores, and where the "
        "questions are from.",
        ("label", "metric", "questions", "available", "chance", "description", "source", "licence"),
        {"label": "task", "chance": "by guessing"},
    ),
    "accuracy": TableText(
        "Every accuracy", "The numbers behind the curves, in each task's main metric; `accuracy.tsv` has the others.",
        ("model", "step", "tokens", "task", "metric", "value", "stderr", "questions"), _P,
    ),
    "checkpoints": TableText(
        "Checkpoints before scoring",
        "What was found at each checkpoint before anything was scored, and whether it was used. Checkpoints whose "
        "weights are missing, or are those of another step, are named in the column status.",
        ("model", "step", "tokens", "status", "detail", "used", "source", "revision", "commit", "format", "bytes"),
    ),
    "consistency": TableText(
        "Checkpoints in the order of their scores",
        "Per checkpoint, which other step's scores are nearest, the mean distance to its neighbours beside what is "
        "usual there (root mean square over choices, nats), the step it behaves like, by how many places that is off. "
        "Flagged: a copy of another step's scores, one misplaced, near nobody, beside its path, or with a worse loss "
        "on texts.",
        ("model", "step", "nearest_step", "nearest", "neighbours", "usual", "behaves_like", "displacement", "flag",
         "reason"),
    ),
    "twins": TableText(
        "Models that are one",
        "Pairs of models nearer to each other than neighbouring steps of one model, at half of their common steps or "
        "more: a folder given twice, a size mislabelled, or runs that differ in little.",
    ),
    "imported": TableText(
        "Imported files",
        "Where the accuracies of this study come from: how many numbers of each file were taken and left out, and how "
        "the file says it was made.",
    ),
    "import_notes": TableText(
        "What was left out, and what is odd",
        "Numbers and files that the study does not name or could not use, and what a reader should know of the rest, "
        "counted by kind.",
    ),
    "speed": TableText(
        "Speed of scoring",
        "Per model: tokens of the prefix trees run, how many a second, seconds of a typical job with loading and all, "
        "peak memory in MB of the host and of the GPU.",
    ),
    "stages": TableText(
        "Time and memory", "What each stage took: number of jobs, seconds in all, longest job, peak memory."
    ),
}  # fmt: skip
