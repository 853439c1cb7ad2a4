rule encode:
    """Tokenise all questions, once for all models whose tokenizers do the same; a file for each prefix tree."""
    input:
        questions=questions_files(),
        checkpoints=encode_checkpoints(),
    output:
        all_requests(),
    log:
        f"{LOGS}/encode.log",
    conda:
        "../../envs/score.yaml"
    params:
        tasks=lambda wildcards: [task.canonical() for task in STUDY.tasks],
        protocol=lambda wildcards: STUDY.protocol.canonical(),
        unconditional=lambda wildcards: STUDY.unconditional,
        tokenizers=lambda wildcards: [tokenizer.canonical() for tokenizer in STUDY.tokenizers],
        code=code_digest("trajectories.scoring.encode", "trajectories.scoring.requests"),
    script:
        "../scripts/encode.py"
