if written():

    rule generations:
        """Lay out the texts that models wrote, a file for each checkpoint, from the store."""
        input:
            scores(),
        output:
            generations(),
        log:
            f"{LOGS}/generations.log",
        conda:
            "../../envs/score.yaml"
        params:
            store=STORE,
            code=code_digest("trajectories.jobs.generations"),
        script:
            "../scripts/generations.py"
