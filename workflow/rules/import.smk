rule import_accuracy:
    """Take accuracies made elsewhere, in place of scoring; list their tasks, and where they are those of one answer."""
    input:
        import_files(),
    output:
        accuracy=f"{RESULTS}/accuracy.tsv",
        tasks=f"{RESULTS}/tasks.tsv",
        answers=f"{RESULTS}/answers.tsv",
        files=f"{RESULTS}/imported.tsv",
        notes=f"{RESULTS}/import_notes.tsv",
    log:
        f"{LOGS}/import.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        **listed(),
        study=lambda wildcards: STUDY.section(*IMPORT_SECTIONS, "import", "statistics"),
        fetched=f"{RESULTS}/published/all_results.tsv",
        told=TOLD,
        metrics=STUDY.metrics,
        code=code_digest("trajectories.imports", "trajectories.questions.listing", *CODE_OF_ANSWERS),
    script:
        "../scripts/import_accuracy.py"


rule reference:
    """Take the published accuracies of this study's models, steps and tasks, to compare with."""
    output:
        f"{RESULTS}/reference.tsv",
    log:
        f"{LOGS}/reference.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        study=lambda wildcards: STUDY.section(*IMPORT_SECTIONS, "import", "statistics"),
        fetched=f"{RESULTS}/published/all_results.tsv",
        code=code_digest("trajectories.imports"),
    script:
        "../scripts/reference.py"


if ANSWERED:

    rule import_scores:
        """Take single questions answered elsewhere, in place of scoring."""
        input:
            import_files(),
        output:
            f"{RESULTS}/checkpoints.tsv",
            f"{RESULTS}/imported.tsv",
            f"{RESULTS}/import_notes.tsv",
            questions_files(),
            scores(),
        log:
            f"{LOGS}/import.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            study=lambda wildcards: STUDY.section(*IMPORT_SECTIONS, "import", "statistics", "protocol"),
            results=lambda wildcards: RESULTS,
            told=TOLD,
            code=code_digest("trajectories.imports"),
        script:
            "../scripts/import_scores.py"

    ruleorder: import_scores > import_accuracy > audit
    ruleorder: import_scores > questions


if IMPORTED and not ANSWERED:

    ruleorder: import_accuracy > accuracy
    ruleorder: import_accuracy > tasks
    ruleorder: import_accuracy > answers

else:

    ruleorder: accuracy > import_accuracy
    ruleorder: tasks > import_accuracy
    ruleorder: answers > import_accuracy
