rule audit:
    """Resolve every checkpoint to a commit, its weight files and their hashes; find those that are not what they claim."""
    input:
        trained_suite(),
    output:
        f"{RESULTS}/checkpoints.tsv",
    log:
        f"{LOGS}/audit.log",
    localrule: True
    conda:
        "../../envs/score.yaml"
    params:
        study=lambda wildcards: STUDY.section("checkpoints", "models", "steps"),
        code=code_digest("trajectories.checkpoints.audit"),
    script:
        "../scripts/audit.py"
