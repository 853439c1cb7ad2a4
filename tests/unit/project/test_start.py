"""What every `snakemake` command waits for."""

import re
from pathlib import Path

from support.loading import loaded_by


def test_no_tables_are_loaded_before_anything_is_to_be_done(project: Path) -> None:
    rules = (project / "workflow" / "rules" / "common.smk").read_text()
    modules = re.findall(r"(?m)^from (trajectories\S*) import", rules)
    assert "trajectories.study.config" in modules
    assert loaded_by(", ".join(modules), "pandas", "pyarrow", "huggingface_hub", "torch", "pydantic") == ["pydantic"]
