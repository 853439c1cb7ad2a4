rule accuracy:
    """Turn scores into accuracies and their sisters, one row per checkpoint, task and metric."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
        consistency=flags_that_exclude(),
        judged=judged_table(),
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
            "trajectories.analysis.kept",
            "trajectories.analysis.summaries",
            "trajectories.study.metrics",
        ),
    script:
        "../scripts/accuracy.py"


rule answers:
    """Say at which checkpoints a model gives the same answer to everything."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        scores=scores(),
        questions=questions_files(),
    output:
        f"{RESULTS}/answers.tsv",
    log:
        f"{LOGS}/answers.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 4
    params:
        metrics=STUDY.metrics,
        code=code_digest(*CODE_OF_ANSWERS),
    script:
        "../scripts/answers.py"
