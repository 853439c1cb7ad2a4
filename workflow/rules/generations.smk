if written():

    rule generations:
        """Lay out the texts that models wrote, a file for each checkpoint, from the store, and some of them in a table."""
        input:
            scores=scores(),
            questions=written_questions().values(),
        output:
            texts=f"{RESULTS}/texts.tsv",
            generations=generations(),
        log:
            f"{LOGS}/generations.log",
        conda:
            "../../envs/score.yaml"
        params:
            store=STORE,
            questions=lambda wildcards: written_questions(),
            shown=lambda wildcards: shown_checkpoints(),
            files=lambda wildcards: [generation(*checkpoint) for checkpoint in shown_checkpoints()],
            code=code_digest("trajectories.jobs.generations", "trajectories.jobs.texts"),
        script:
            "../scripts/generations.py"
