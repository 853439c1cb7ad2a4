rule export:
    """Write the study's results as other people's tools read them: the harness's result files, and one parquet file."""
    input:
        f"{RESULTS}/accuracy.tsv",
    output:
        files=directory(f"{RESULTS}/export/harness"),
        table=f"{RESULTS}/export/accuracy.parquet",
    log:
        f"{LOGS}/export.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        study=lambda wildcards: STUDY.canonical(),
        code=code_digest("trajectories.exports"),
    script:
        "../scripts/export.py"
