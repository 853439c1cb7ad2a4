rule figure_accuracy:
    """Draw Figure 1: each task's metric over training, a line per model."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        answers=f"{RESULTS}/answers.tsv",
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
        suites=lambda wildcards: STUDY.suites,
        code=code_digest("trajectories.figures", "trajectories.analysis.axes", "trajectories.analysis.answers"),
    script:
        "../scripts/figure_accuracy.py"


rule figures:
    """Draw the others: coefficients, the fitted surface, every model, this study against its reference, consistency."""
    input:
        **figure_tables(),
        tasks=f"{RESULTS}/tasks.tsv",
    output:
        **{name: figure(name) for name in other_figures()},
    log:
        f"{LOGS}/figures/others.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        figures=other_figures(),
        alpha=STUDY.statistics.alpha,
        names=model_names(),
        columns=STUDY.figures.columns,
        suites=lambda wildcards: STUDY.suites,
        code=code_digest("trajectories.figures", "trajectories.analysis.answers"),
    script:
        "../scripts/figures.py"
