rule speed:
    """Say how many tokens a second each model was scored at, and the memory it took."""
    input:
        checkpoints=f"{RESULTS}/checkpoints.tsv",
        scores=scores(),
    output:
        f"{RESULTS}/speed.tsv",
    log:
        f"{LOGS}/speed.log",
    conda:
        "../../envs/score.yaml"
    params:
        benchmarks=lambda wildcards: f"{RESULTS}/benchmarks/score",
        store=STORE,
        code=code_digest("trajectories.jobs.speed"),
    script:
        "../scripts/speed.py"


rule check:
    """Say every mistake and every oddity that can be known before the first job, which every run looks for too."""
    log:
        f"{LOGS}/check.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    shell:
        ": > {log}"


rule status:
    """Say how far the study is, while it runs: done, running, waiting, failed, disk, rate, time left."""
    log:
        f"{LOGS}/status.log",
    localrule: True
    conda:
        "../../envs/score.yaml"
    params:
        models=lambda wildcards: {model.name: (model.parameters, STUDY.steps_of(model)) for model in STUDY.models},
        results=lambda wildcards: RESULTS,
        logs=lambda wildcards: LOGS,
        store=STORE,
        scratch=lambda wildcards: SCRATCH,
        requests=lambda wildcards: {model.name: requests_of(model.name) for model in STUDY.models},
        study=lambda wildcards: STUDY.section("protocol", "scoring"),
    script:
        "../scripts/status.py"


rule new:
    """Write a commented study to begin with: --config study=NAME, and file=QUESTIONS or suite=pythia if wanted."""
    log:
        f"{LOGS}/new.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        asked=lambda wildcards: {"study": STUDY.study, "file": "", "suite": "demo"} | NEW,
    script:
        "../scripts/new.py"
