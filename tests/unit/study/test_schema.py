"""The JSON schema in the repository is the one the config's models make."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.study.schema import config_schema


def test_the_schema_file_is_current(project: Path) -> None:
    stored = json.loads((project / "workflow" / "schemas" / "config.schema.json").read_text())
    assert stored == config_schema(), "run: python -m trajectories.study.schema > workflow/schemas/config.schema.json"


def configs(project: Path) -> list[Path]:
    return [project / "config.yaml", *sorted((project / "studies").glob("*.yaml"))]


def test_every_study_is_accepted_by_the_schema_and_by_the_models(project: Path) -> None:
    for path in configs(project):
        config = yaml.safe_load(path.read_text())
        jsonschema.validate(config, config_schema())
        assert Study.from_config(config, str(path)).study


def test_the_schema_refuses_what_the_models_refuse(project: Path) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    for key, value in (("stepz", []), ("steps", ["abc"]), ("models", []), ("scoring", {"dtype": "fp8"})):
        wrong = copy.deepcopy(config) | {key: value}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, config_schema())
        with pytest.raises(UserError):
            Study.from_config(wrong)
