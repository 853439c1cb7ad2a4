rule fetch:
    """Download unscored checkpoints ahead, for compute nodes without a network; at most checkpoints_on_disk of them."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        requests=all_requests(),
    log:
        f"{LOGS}/fetch.log",
    localrule: True
    conda:
        "../../envs/score.yaml"
    params:
        study=lambda wildcards: STUDY.section("protocol", "scoring", "checkpoints", "plan"),
        requests={model.name: requests_of(model.name) for model in STUDY.models},
        store=STORE,
        scratch=lambda wildcards: SCRATCH,
        on_disk=ON_DISK,
    script:
        "../scripts/fetch.py"
