# What `snakemake` finds here. The workflow itself is where other workflows look for it when they take it as a module.
include: "workflow/Snakefile"


# An included file cannot say what is made by default.
rule study:
    default_target: True
    input:
        rules.all.input,
