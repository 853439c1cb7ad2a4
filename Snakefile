from snakemake.utils import min_version

min_version("9.20")


# --configfile names another study; without it, this is the paper's.
if "models" not in config:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/pocket.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/questions.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/watch.smk"
include: "workflow/rules/accuracy.smk"
include: "workflow/rules/import.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/trends.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


onstart:
    CLAIM = claim_study()


rule all:
    default_target: True
    input:
        targets(),
