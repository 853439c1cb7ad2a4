rule accuracy:
    """Turn scores into accuracies and their sisters, one row per checkpoint, task and metric."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
    output:
        f"{RESULTS}/accuracy.tsv",
    params:
        code=code_digest("trajectories.analysis.accuracy"),
    log:
        f"{LOGS}/accuracy.log",
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/accuracy.py"
