rule questions:
    """Read a task's questions from its data set, file, generator or the evaluation harness, as the protocol says."""
    input:
        lambda wildcards: STUDY.task(wildcards.task).files,
    output:
        f"{RESULTS}/questions/{{task}}.parquet",
    log:
        f"{LOGS}/questions/{{task}}.log",
    localrule: True  # where there is a network
    conda:
        "../../envs/score.yaml"
    params:
        task=lambda wildcards: STUDY.task(wildcards.task).canonical(),
        protocol=lambda wildcards: STUDY.protocol.canonical(),
        seed=lambda wildcards: STUDY.seed_of(STUDY.task(wildcards.task)),
        code=code_digest(
            "trajectories.questions",
            "trajectories.harness.questions",
            "trajectories.harness.library",
            "trajectories.harness.asked",
            "trajectories.harness.agreement",
            "trajectories.pocket.tasks",
            "trajectories.pocket.agreement",
            "trajectories.pocket.village",
            "trajectories.pocket.words",
            "trajectories.pocket.corpus",
            "trajectories.pocket.exercises",
            "trajectories.pocket.prose",
        ),
    script:
        "../scripts/questions.py"


rule tasks:
    """List the tasks: display name, metric, number of questions, chance level, source."""
    input:
        questions_files(),
    output:
        f"{RESULTS}/tasks.tsv",
    log:
        f"{LOGS}/tasks.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **listed(),
        code=code_digest("trajectories.questions.listing"),
    script:
        "../scripts/tasks.py"


rule known_tasks:
    """List every task a study may name; --config find=word lists those with the word."""
    log:
        f"{LOGS}/known_tasks.log",
    localrule: True
    conda:
        "../../envs/score.yaml"
    params:
        word=FIND,
    script:
        "../scripts/known_tasks.py"
