if several_ways():

    rule protocols:
        """Put the shapes of tasks that are asked in several ways side by side."""
        input:
            shapes=f"{RESULTS}/shapes.tsv",
            accuracy=f"{RESULTS}/accuracy.tsv",
        output:
            f"{RESULTS}/protocols.tsv",
        log:
            f"{LOGS}/protocols.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            tasks=lambda wildcards: [task.canonical() for task in STUDY.tasks],
            metrics={task.name: STUDY.metric_of(task) for task in STUDY.tasks},
            alpha=STUDY.statistics.alpha,
            largest=shown_checkpoints()[-1][0],
            last=shown_checkpoints()[-1][1],
            code=code_digest(
                "trajectories.analysis.protocols",
                "trajectories.analysis.ways",
                "trajectories.analysis.points",
            ),
        script:
            "../scripts/protocols.py"
