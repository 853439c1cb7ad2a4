rule plan:
    """Say what is left to do and what it takes: downloads, disk, tokens, time. Nothing is downloaded but questions."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        requests=all_requests(),
    output:
        f"{RESULTS}/plan.tsv",
    log:
        f"{LOGS}/plan.log",
    localrule: True
    conda:
        "../../envs/score.yaml"
    params:
        study=lambda wildcards: STUDY.section("protocol", "scoring", "checkpoints", "plan"),
        requests={model.name: requests_of(model.name) for model in STUDY.models},
        store=STORE,
        finished=lambda wildcards: finished_scores(),
        on_disk=ON_DISK,
        sizes=lambda wildcards: job_sizes(STUDY, CREW),
        code=code_digest("trajectories.jobs.plan", "trajectories.jobs.batches", "trajectories.checkpoints.rates"),
    script:
        "../scripts/plan.py"
