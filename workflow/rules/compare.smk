rule compare:
    """Say which cells, tasks and models differ from the reference by more than sampling explains."""
    input:
        accuracy=f"{RESULTS}/accuracy.tsv",
        reference=lambda wildcards: reference_table(),
    output:
        cells=f"{RESULTS}/compare.tsv",
        summary=f"{RESULTS}/compare_summary.tsv",
    log:
        f"{LOGS}/compare.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        metrics=STUDY.metrics,
        alpha=STUDY.statistics.alpha,
        code=code_digest("trajectories.analysis.compare", "trajectories.analysis.tails"),
    script:
        "../scripts/compare.py"
