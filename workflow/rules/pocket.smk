# The demo's suite: small models trained on the spot. Other studies have no `pocket` section and none of these rules.
if STUDY.pocket:
    # What the text and the weights depend on: a new task must not train the suite again.
    POCKET_TEXT = [
        f"trajectories.pocket.{module}"
        for module in ("agreement", "corpus", "exercises", "folders", "prose", "tokens", "village", "words")
    ]
    POCKET_WEIGHTS = [*POCKET_TEXT, "trajectories.pocket.shapes", "trajectories.pocket.training"]

    rule pocket_corpus:
        """Write the text that the pocket suite reads, and train its tokenizer."""
        output:
            directory(f"{RESULTS}/suite/corpus"),
        log:
            f"{LOGS}/pocket/corpus.log",
        conda:
            "../../envs/score.yaml"
        params:
            seed=STUDY.pocket.seed,
            steps=max(step for _, step in checkpoints()),
            code=code_digest(*POCKET_TEXT),
            run=lambda wildcards, threads: entry("pocket_corpus.py"),
        shell:
            "{params.run} --seed {params.seed} --steps {params.steps} --out {output} --log {log}"

    rule pocket_train:
        """Train one model from scratch and keep its checkpoints."""
        input:
            f"{RESULTS}/suite/corpus",
        output:
            directory(f"{RESULTS}/suite/{{model}}"),
        log:
            f"{LOGS}/pocket/{{model}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/train/{{model}}.tsv"
        # the largest first: it takes longest
        priority: lambda wildcards: STUDY.model(wildcards.model).parameters
        conda:
            "../../envs/score.yaml"
        threads: 1
        resources:
            mem_mb=1500,
        params:
            seed=STUDY.pocket.seed,
            steps=lambda wildcards: STUDY.steps_of(STUDY.model(wildcards.model)),
            code=code_digest(*POCKET_WEIGHTS),
            run=lambda wildcards, threads: entry("train.py"),
        shell:
            "{params.run} --model {wildcards.model} --seed {params.seed} --steps {params.steps}"
            " --corpus {input} --out {output} --threads {threads} --log {log}"
