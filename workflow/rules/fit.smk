rule fit:
    """Regress each task's metric on parameters and tokens as the paper does, and print its Table 1."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        checkpoints=[] if not SCORED else f"{RESULTS}/checkpoints.tsv",
        consistency=f"{RESULTS}/consistency.tsv" if SCORED else [],
    output:
        regression=f"{RESULTS}/regression.tsv",
        table1=f"{RESULTS}/table1.tsv",
        table1_markdown=f"{RESULTS}/table1.md",
    log:
        f"{LOGS}/fit.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        metrics=STUDY.metrics,
        from_tokens=STUDY.statistics.from_tokens,
        labels={thing.name: thing.title for thing in STUDY.shown},
        code=code_digest(
            "trajectories.analysis.regression",
            "trajectories.analysis.terms",
            "trajectories.analysis.table1",
            "trajectories.analysis.points",
        ),
    script:
        "../scripts/fit.py"


rule by_axis:
    """Fit the same regression against compute, or against the loss on the study's running text."""
    input:
        f"{RESULTS}/accuracy.tsv",
    output:
        f"{RESULTS}/by_axis.tsv",
    log:
        f"{LOGS}/by_axis.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        metrics=STUDY.metrics,
        axis=STUDY.statistics.axis,
        text=lambda wildcards: STUDY.running_text,
        from_tokens=STUDY.statistics.from_tokens,
        code=code_digest(
            "trajectories.analysis.axes",
            "trajectories.analysis.by_axis",
            "trajectories.analysis.regression",
            "trajectories.analysis.terms",
            "trajectories.analysis.points",
        ),
    script:
        "../scripts/by_axis.py"
