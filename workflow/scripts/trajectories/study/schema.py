"""The config's JSON schema, for editors; `python -m trajectories.study.schema` prints it."""

import json
from typing import Any

from trajectories.study.config import Study


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of a config as users write it: tasks may also be names, the protocol a preset's name."""
    schema = Study.model_json_schema(by_alias=True, mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Trajectories study"
    known = {"type": "string", "description": "A task known by name."}
    changed = {
        "type": "object",
        "properties": {"task": known},
        "required": ["task"],
        "description": "A known task with changed keys.",
    }
    folder = {"type": "string", "description": "A folder of the user's own YAMLs."}
    harness = {
        "type": "object",
        "properties": {
            "harness": {"type": "string", "description": "A task, group or tag of the evaluation harness."},
            "shots": {
                "type": "integer",
                "minimum": 0,
                "description": "Worked examples; else as many as its YAML says.",
            },
            "include": {"anyOf": [folder, {"type": "array", "items": folder}]},
        },
        "required": ["harness"],
        "description": "Tasks of the evaluation harness, with keys of a record.",
    }
    schema["properties"]["tasks"]["items"] = {"anyOf": [known, changed, harness, {"$ref": "#/$defs/Task"}]}
    preset = {"enum": ["paper", "harness"]}
    schema["$defs"]["Protocol"]["properties"]["preset"] = preset
    schema["properties"]["protocol"] = {"anyOf": [preset, {"$ref": "#/$defs/Protocol"}], "default": "harness"}
    return schema


if __name__ == "__main__":
    print(json.dumps(config_schema(), indent=2))
