rule score:
    """Score one checkpoint on all tasks; whatever has been scored before comes from the store."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        requests=lambda wildcards: requests_of(wildcards.model),
    output:
        ensure(f"{RESULTS}/scores/{{model}}/step{{step}}.parquet", non_empty=True),
    params:
        study=lambda wildcards: STUDY.section("protocol", "scoring", "checkpoints"),
        scratch=STUDY.checkpoints.scratch or f"{RESULTS}/checkpoints",
        store=STORE,
    log:
        f"{LOGS}/score/{{model}}/step{{step}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{model}}/step{{step}}.tsv"
    threads: lambda wildcards: score_threads(wildcards.model)
    resources:
        checkpoints_on_disk=lambda wildcards: checkpoints_on_disk(wildcards.model),
        gpu=0 if STUDY.scoring.device == "cpu" else 1,
        mem_mb=lambda wildcards, attempt: attempt * score_mem_mb(wildcards.model),
    conda:
        "../../envs/score.yaml"
    shell:
        "{PYTHON} {SCRIPTS}/score.py --checkpoints {input.checkpoints} --model {wildcards.model} --step {wildcards.step}"
        " --requests {input.requests} --store {params.store} --scratch {params.scratch} --output {output}"
        " --threads {threads} --limit {ON_DISK} --log {log} --study {params.study:q}"
