# A rule per batch, so that each has the scores of its checkpoints as outputs of its own: docs/architecture.md says why.
for batch in score_rules():

    rule:
        name:
            batch.name
        input:
            checkpoints=f"{RESULTS}/checkpoints.tsv",
            requests=lambda wildcards: requests_of(wildcards.model),
        output:
            ensure(batch_outputs(batch), non_empty=True),
        log:
            f"{LOGS}/score/{{model}}/{batch.label}.log",
        wildcard_constraints:
            model=one_of(batch.models),
        conda:
            "../../envs/score.yaml"
        threads: lambda wildcards: score_threads(wildcards.model)
        resources:
            checkpoints_on_disk=lambda wildcards, input, steps=batch.steps: checkpoints_on_disk(
                wildcards.model, steps or [int(wildcards.step)], input.requests
            ),
            gpu=0 if STUDY.scoring.device == "cpu" else STUDY.scoring.gpus,
            mem_mb=lambda wildcards, attempt, count=batch.count: score_mem_mb(wildcards.model, count, attempt),
            runtime=lambda wildcards, input, attempt, count=batch.count: score_runtime(
                wildcards.model, count, input.requests, attempt
            ),
            # where downloads lie while they are scored, and finished scores for ever; a profile may name other folders,
            # such as a node's own disk for downloads: $TMPDIR/checkpoints
            scratch=SCRATCH,
            store=STORE,
        params:
            study=lambda wildcards: STUDY.section("protocol", "scoring", "checkpoints"),
            run=lambda wildcards, threads: entry("score.py"),
            places=lambda wildcards, resources: f'--store "{resources.store}" --scratch "{resources.scratch}" --limit {ON_DISK}',
            traces=lambda wildcards, threads: f"--logs {LOGS}/score --benchmarks {RESULTS}/benchmarks/score",
        shell:
            "{params.run} --checkpoints {input.checkpoints} --model {wildcards.model} --requests {input.requests}"
            " --outputs {output} {params.places} {params.traces} --threads {threads} --log {log} --study {params.study:q}"


rule scores:
    """Score every checkpoint on all tasks; whatever has been scored before comes from the store."""
    input:
        scores(),
