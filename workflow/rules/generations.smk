if written():

    rule generations:
        """Lay out the texts that models wrote, a file for each checkpoint, from the store, and some of them in a table."""
        input:
            scores=scores(),
            questions=written_questions().values(),
        output:
            texts=f"{RESULTS}/texts.tsv",
            generations=generations(),
            judged=judged_table(),
        log:
            f"{LOGS}/generations.log",
        localrule: bool(judged())  # the harness reads the data once more, where there is a network
        conda:
            "../../envs/score.yaml"
        params:
            store=STORE,
            questions=lambda wildcards: written_questions(),
            shown=lambda wildcards: shown_checkpoints(),
            files=lambda wildcards: [generation(*checkpoint) for checkpoint in shown_checkpoints()],
            judged=lambda wildcards: {task.canonical(): STUDY.metric_of(task) for task in judged()},
            code=code_digest(
                "trajectories.jobs.generations",
                "trajectories.jobs.texts",
                *["trajectories.harness.texts"] * bool(judged()),
            ),
        script:
            "../scripts/generations.py"
