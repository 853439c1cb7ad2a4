rule figure_accuracy:
    """Draw Figure 1: each task's metric over tokens, a line per model."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        checkpoints=[] if IMPORTED else f"{RESULTS}/checkpoints.tsv",
    output:
        figure("accuracy"),
    params:
        bands=STUDY.figures.bands,
        columns=STUDY.figures.columns,
        code=code_digest("trajectories.figures"),
    log:
        f"{LOGS}/figures/accuracy.log",
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/figure_accuracy.py"
