rule score:
    """Score one checkpoint on all tasks; whatever has been scored before comes from the store."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        requests=lambda wildcards: requests_of(wildcards.model),
    output:
        ensure(f"{RESULTS}/scores/{{model}}/step{{step}}.parquet", non_empty=True),
    log:
        f"{LOGS}/score/{{model}}/step{{step}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{model}}/step{{step}}.tsv"
    conda:
        "../../envs/score.yaml"
    threads: lambda wildcards: score_threads(wildcards.model)
    resources:
        checkpoints_on_disk=lambda wildcards: checkpoints_on_disk(wildcards.model),
        gpu=0 if STUDY.scoring.device == "cpu" else 1,
        mem_mb=lambda wildcards, attempt: score_mem_mb(wildcards.model, attempt),
        runtime=lambda wildcards, input, attempt: score_runtime(wildcards.model, input.requests, attempt),
        # where downloads lie while they are scored, and finished scores for ever; a profile may name other folders,
        # such as a node's own disk for downloads: $TMPDIR/checkpoints
        scratch=SCRATCH,
        store=STORE,
    params:
        study=lambda wildcards: STUDY.section("protocol", "scoring", "checkpoints"),
        run=lambda wildcards, threads: entry("score.py"),
        places=lambda wildcards, resources: f'--store "{resources.store}" --scratch "{resources.scratch}" --limit {ON_DISK}',
    shell:
        "{params.run} --checkpoints {input.checkpoints} --model {wildcards.model} --step {wildcards.step}"
        " --requests {input.requests} --output {output} {params.places}"
        " --threads {threads} --log {log} --study {params.study:q}"
