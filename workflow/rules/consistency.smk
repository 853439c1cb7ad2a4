rule consistency:
    """Look whether checkpoints lie in the order of their scores: copies, swaps and mixtures that no hash shows."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
    output:
        **statistics("consistency", "distances", "twins"),
    log:
        f"{LOGS}/consistency.log",
    benchmark:
        f"{RESULTS}/benchmarks/consistency.tsv"
    conda:
        "../../envs/analysis.yaml"
    params:
        tasks=[task.name for task in STUDY.tasks],
        code=code_digest(
            "trajectories.analysis.consistency",
            "trajectories.analysis.order",
            "trajectories.analysis.order_signs",
            "trajectories.analysis.score_vectors",
            "trajectories.analysis.points",
        ),
    script:
        "../scripts/consistency.py"
