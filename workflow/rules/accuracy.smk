rule accuracy:
    """Turn scores into accuracies and their sisters, one row per checkpoint, task and metric."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
        consistency=flags_that_exclude(),
    output:
        f"{RESULTS}/accuracy.tsv",
    log:
        f"{LOGS}/accuracy.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 4
    params:
        store=STORE,
        averages=lambda wildcards: [average.canonical() for average in STUDY.averages],
        code=code_digest(
            "trajectories.analysis.accuracy",
            "trajectories.questions.averages",
            "trajectories.analysis.points",
            "trajectories.analysis.question_metrics",
            "trajectories.analysis.summaries",
            "trajectories.study.metrics",
        ),
    script:
        "../scripts/accuracy.py"
