rule encode:
    """Tokenise all questions, once for all checkpoints that share the tokenizer; a file for each prefix tree."""
    input:
        questions=questions_files(),
        checkpoints=lambda wildcards: encode_checkpoints(wildcards.tokenizer),
    output:
        requests_files("{tokenizer}"),
    log:
        f"{LOGS}/encode/{{tokenizer}}.log",
    conda:
        "../../envs/score.yaml"
    params:
        tasks=lambda wildcards: [task.canonical() for task in STUDY.tasks],
        protocol=lambda wildcards: STUDY.protocol.canonical(),
        tokenizer=lambda wildcards: STUDY.tokenizer(wildcards.tokenizer).canonical(),
        code=code_digest("trajectories.scoring.encode", "trajectories.scoring.requests"),
    script:
        "../scripts/encode.py"
