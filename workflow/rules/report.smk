rule report:
    """Put tables, figures and provenance into one page that needs no network."""
    input:
        unpack(lambda wildcards: report_tables()),
        tasks=f"{RESULTS}/tasks.tsv",
        figures=[file for name in figures() for file in figure(name)],
        reference=lambda wildcards: [reference_table()] if STUDY.reference else [],
        scores=[] if not SCORED else scores(),
        questions=[] if not SCORED else questions_files(),
    output:
        page=f"{RESULTS}/report.html",
        summary=f"{RESULTS}/summary.txt",
    log:
        f"{LOGS}/report.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=lambda wildcards: STUDY.canonical(),
        tables=lambda wildcards: report_tables(),
        references=lambda wildcards: {f"reference: {STUDY.reference}": reference_table()} if STUDY.reference else {},
        benchmarks=f"{RESULTS}/benchmarks",
        code=code_digest("trajectories.report", "trajectories.figures"),
    script:
        "../scripts/report.py"
