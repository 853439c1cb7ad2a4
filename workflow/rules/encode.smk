rule encode:
    """Tokenise the questions of one prefix tree, once for all checkpoints that share the tokenizer."""
    input:
        questions=lambda wildcards: questions_of(wildcards.tree),
        checkpoints=lambda wildcards: encode_checkpoints(wildcards.tokenizer),
    output:
        f"{RESULTS}/requests/{{tokenizer}}/{{tree}}.safetensors",
    log:
        f"{LOGS}/encode/{{tokenizer}}/{{tree}}.log",
    conda:
        "../../envs/score.yaml"
    params:
        tasks=lambda wildcards: [task.canonical() for task in STUDY.tasks if task.tree == wildcards.tree],
        protocol=lambda wildcards: STUDY.protocol.canonical(),
        tokenizer=lambda wildcards: STUDY.tokenizer(wildcards.tokenizer).canonical(),
        code=code_digest("trajectories.scoring.encode", "trajectories.scoring.requests"),
    script:
        "../scripts/encode.py"
