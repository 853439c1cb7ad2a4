"""The container holds what the environments and the lock say; it is built where a builder runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml


def test_the_image_is_made_from_the_lock_with_the_environments_python(project: Path) -> None:
    recipe = (project / "Dockerfile").read_text()
    python = re.search(r"(?m)^FROM python:([\d.]+)-", recipe)
    assert python is not None
    for name in ("score", "analysis"):
        listed = yaml.safe_load((project / "envs" / f"{name}.yaml").read_text())["dependencies"]
        assert f"python={python.group(1)}" in listed
    installs = re.findall(r"pip install (.*)", recipe)
    assert installs
    assert all("--constraint requirements.lock" in line for line in installs)


def test_what_the_recipe_copies_is_there(project: Path) -> None:
    for line in re.findall(r"(?m)^COPY (.*)$", (project / "Dockerfile").read_text()):
        for source in line.split()[:-1]:
            assert (project / source).exists(), source


@pytest.mark.slow
def test_the_image_is_built(project: Path) -> None:
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container builder runs here")
    built = subprocess.run(["docker", "build", "--quiet", "."], cwd=project, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
