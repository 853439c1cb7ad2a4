rule trends:
    """Ask of each trajectory where it goes, of each task which shape it has and where it bends."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        **statistics("trends", "declines", "shapes", "breaks"),
    log:
        f"{LOGS}/trends.log",
    benchmark:
        f"{RESULTS}/benchmarks/trends.tsv"
    conda:
        "../../envs/analysis.yaml"
    params:
        statistics=lambda wildcards: STUDY.statistics.canonical(),
        models=lambda wildcards: [model.canonical() for model in STUDY.models],
        metrics=STUDY.metrics,
        text=lambda wildcards: STUDY.running_text,
        code=code_digest(
            "trajectories.analysis.axes",
            "trajectories.analysis.trends",
            "trajectories.analysis.trajectory",
            "trajectories.analysis.serial",
            "trajectories.analysis.dependence",
            "trajectories.analysis.drops",
            "trajectories.analysis.projections",
            "trajectories.analysis.shapes",
            "trajectories.analysis.constants",
            "trajectories.analysis.two_lines",
            "trajectories.analysis.model_choice",
            "trajectories.analysis.breaks",
            "trajectories.analysis.clustered",
            "trajectories.analysis.regression",
            "trajectories.analysis.terms",
            "trajectories.analysis.points",
            "trajectories.analysis.tails",
            "trajectories.analysis.pairs",
        ),
    script:
        "../scripts/trends.py"


rule robustness:
    """Ask of each cell of Table 1 whether it holds, and of the design what it could have found."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        answers=f"{RESULTS}/answers.tsv",
        item_level=f"{RESULTS}/items.tsv" if SCORED else [],
    output:
        **statistics("sensitivity", "survival", "premises", "effects", "variation", "power", "power_curves"),
    log:
        f"{LOGS}/robustness.log",
    benchmark:
        f"{RESULTS}/benchmarks/robustness.tsv"
    conda:
        "../../envs/analysis.yaml"
    params:
        statistics=lambda wildcards: STUDY.statistics.canonical(),
        models=lambda wildcards: [model.canonical() for model in STUDY.models],
        metrics=STUDY.metrics,
        code=code_digest(
            "trajectories.analysis.robustness",
            "trajectories.analysis.sensitivity",
            "trajectories.analysis.checks",
            "trajectories.analysis.clustered",
            "trajectories.analysis.lines",
            "trajectories.analysis.mixed",
            "trajectories.analysis.shuffles",
            "trajectories.analysis.verdicts",
            "trajectories.analysis.constants",
            "trajectories.analysis.premises",
            "trajectories.analysis.effects",
            "trajectories.analysis.variation",
            "trajectories.analysis.parameters",
            "trajectories.analysis.power",
            "trajectories.analysis.designs",
            "trajectories.analysis.drops",
            "trajectories.analysis.serial",
            "trajectories.analysis.dependence",
            "trajectories.analysis.trajectory",
            "trajectories.analysis.regression",
            "trajectories.analysis.terms",
            "trajectories.analysis.points",
            "trajectories.analysis.tails",
            "trajectories.analysis.ols",
        ),
    script:
        "../scripts/robustness.py"


rule items:
    """Fit the question-level model: levels and slopes in logits with their covariance over questions."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
        consistency=flags_that_exclude(),
    output:
        f"{RESULTS}/items.tsv",
    log:
        f"{LOGS}/items.log",
    benchmark:
        f"{RESULTS}/benchmarks/items.tsv"
    conda:
        "../../envs/analysis.yaml"
    params:
        statistics=lambda wildcards: STUDY.statistics.canonical(),
        models=lambda wildcards: [model.canonical() for model in STUDY.models],
        metrics=STUDY.metrics,
        code=code_digest(
            "trajectories.analysis.items",
            "trajectories.analysis.question_metrics",
            "trajectories.analysis.lines",
            "trajectories.analysis.mixed",
            "trajectories.analysis.regression",
            "trajectories.analysis.terms",
            "trajectories.analysis.points",
            "trajectories.analysis.tails",
        ),
    script:
        "../scripts/items.py"


rule flips:
    """Say which questions were learnt, lost, and lost for good."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
        questions=questions_files(),
        consistency=flags_that_exclude(),
    output:
        **statistics("intervals", "flips", "fates", "overlap", "losses", "margins"),
    log:
        f"{LOGS}/flips.log",
    benchmark:
        f"{RESULTS}/benchmarks/flips.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        # margins of every question of every checkpoint, 4 bytes each, and one model's metrics
        mem_mb=lambda wildcards, input, attempt: attempt * (1500 + len(input.scores) // 4),
    params:
        statistics=lambda wildcards: STUDY.statistics.canonical(),
        metrics={task.name: STUDY.metric_of(task) for task in STUDY.tasks},
        code=code_digest(
            "trajectories.analysis.question_tables",
            "trajectories.analysis.question_grid",
            "trajectories.analysis.flips",
            "trajectories.analysis.drops",
            "trajectories.analysis.serial",
            "trajectories.analysis.dependence",
            "trajectories.analysis.trajectory",
            "trajectories.analysis.losses",
            "trajectories.analysis.question_metrics",
            "trajectories.analysis.points",
            "trajectories.analysis.tails",
        ),
    script:
        "../scripts/flips.py"
