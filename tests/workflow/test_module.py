"""Another workflow takes this one as a module, under a prefix, and goes on from its tables."""

from pathlib import Path

import yaml

from support.snakemakes import run_snakemake
from support.studies import make_toy
from support.toy import quiet_environment

OUTER = """
configfile: "study.yaml"

module trajectories:
    snakefile: {snakefile!r}
    config: config

use rule * from trajectories as trajectories_*

rule count:
    default_target: True
    input: "results/toy/regression.tsv"
    output: "terms.txt"
    shell: "cut -f 3 {{input}} | sort -u > {{output}}"
"""


def test_another_workflow_scores_and_fits_through_this_one(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "toy", models=("tiny-a",), steps=(1, 2))
    (toy.root / "study.yaml").write_text(yaml.safe_dump(toy.config))
    outer = toy.root / "outer.smk"
    outer.write_text(OUTER.format(snakefile=str(toy.project / "workflow" / "Snakefile")))
    words = ["--cores", "2", "--snakefile", str(outer), "--quiet", "all"]
    done = run_snakemake(words, toy.root, quiet_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tokens" in (toy.root / "terms.txt").read_text().split()
