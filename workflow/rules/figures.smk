rule figure_accuracy:
    """Draw Figure 1: each task's metric over training, a line per model."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        checkpoints=[] if not SCORED else f"{RESULTS}/checkpoints.tsv",
        consistency=f"{RESULTS}/consistency.tsv" if SCORED else [],
    output:
        figure("accuracy"),
    log:
        f"{LOGS}/figures/accuracy.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        bands=STUDY.figures.bands,
        names=model_names(),
        columns=STUDY.figures.columns,
        axis=STUDY.statistics.axis,
        text=lambda wildcards: STUDY.running_text,
        sizes=lambda wildcards: STUDY.sizes,
        code=code_digest("trajectories.figures", "trajectories.analysis.axes"),
    script:
        "../scripts/figure_accuracy.py"


rule figure_coefficients:
    """Draw every coefficient of the regression with its interval."""
    input:
        regression=f"{RESULTS}/regression.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        figure("coefficients"),
    log:
        f"{LOGS}/figures/coefficients.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        alpha=STUDY.statistics.alpha,
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    script:
        "../scripts/figure_coefficients.py"


rule figure_surface:
    """Draw the fitted surface against the data."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        regression=f"{RESULTS}/regression.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        figure("surface"),
    log:
        f"{LOGS}/figures/surface.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        names=model_names(),
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    script:
        "../scripts/figure_surface.py"


rule figure_models:
    """Draw every model by itself, coloured by its trend."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        trends=f"{RESULTS}/trends.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        figure("models"),
    log:
        f"{LOGS}/figures/models.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        alpha=STUDY.statistics.alpha,
        names=model_names(),
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    script:
        "../scripts/figure_models.py"


rule figure_replication:
    """Draw this study against its reference."""
    input:
        compare=f"{RESULTS}/compare.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        figure("replication"),
    log:
        f"{LOGS}/figures/replication.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    script:
        "../scripts/figure_replication.py"


rule figure_consistency:
    """Draw the distances between each model's checkpoints."""
    input:
        distances=f"{RESULTS}/distances.tsv",
        consistency=f"{RESULTS}/consistency.tsv",
    output:
        figure("consistency"),
    log:
        f"{LOGS}/figures/consistency.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        names=model_names(),
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    script:
        "../scripts/figure_consistency.py"
