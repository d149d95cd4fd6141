"""What is in the tarball, and what the tools of a user make of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Installed

KINDS = {"module": "modules", "inventory": "inventory", "filter": "filter", "callback": "callback", "lookup": "lookup"}


def plugins(kind: str) -> list[str]:
    names = (path.stem for path in (ROOT / "plugins" / KINDS[kind]).glob("*.py"))
    return sorted(f"detectviz.infra.{name}" for name in names if not name.startswith("_"))


def roles() -> list[str]:
    return sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def test_the_artifact_holds_the_collection_and_nothing_of_the_workshop(installed: Installed) -> None:
    with tarfile.open(installed.artifact) as archive:
        tops = {name.split("/", maxsplit=1)[0] for name in archive.getnames()}
    assert {"plugins", "roles", "playbooks", "meta", "MANIFEST.json", "README.md", "LICENSE", "inventory"} <= tops
    assert not tops & {"lab", "tests", "molecule", "bin", ".ci", ".collections", ".state", ".cache", "pytest.ini"}


def test_every_top_level_entry_of_the_artifact_that_ansible_loads_is_linked_in_the_checkout() -> None:
    linked = {path.name for path in (ROOT / ".collections/ansible_collections/detectviz/infra").iterdir()}
    assert {"galaxy.yml", "meta", "plugins", "roles", "playbooks"} <= linked
    for path in (ROOT / ".collections/ansible_collections/detectviz/infra").iterdir():
        assert path.resolve() == ROOT / path.name, f"{path} is a dead or wrong link"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if plugins(kind)])
def test_ansible_doc_shows_every_plugin(installed: Installed, kind: str) -> None:
    shown = json.loads(installed.run("ansible-doc", "-t", kind, "--json", *plugins(kind)).stdout)
    for name in plugins(kind):
        assert shown[name]["doc"]["short_description"], name


def test_ansible_doc_shows_every_role(installed: Installed) -> None:
    listed = json.loads(installed.run("ansible-doc", "-t", "role", "-l", "--json", "detectviz.infra").stdout)
    for role in roles():
        points = listed[f"detectviz.infra.{role}"]["entry_points"]
        assert points["main"], f"role {role} has no short description"


def test_an_execution_environment_can_be_made(installed: Installed, tmp_path: Path) -> None:
    """The context only: the image itself needs an engine and the internet."""
    for source in (ROOT / "execution-environment.yml", ROOT / "requirements.txt", installed.artifact):
        shutil.copy(source, tmp_path)
    builder = str(Path(sys.executable).parent / "ansible-builder")
    # Without its name the file is called after the engine that is installed, if any is.
    create = [builder, "create", "-c", "context", "--output-filename", "Containerfile"]
    subprocess.run(create, cwd=tmp_path, check=True, capture_output=True, text=True)
    build = tmp_path / "context/_build"
    wanted = yaml.safe_load((build / "requirements.yml").read_text())["collections"]
    assert [(build / collection["name"]).is_file() for collection in wanted] == [True]
    assert (build / "requirements.txt").read_text() == (ROOT / "requirements.txt").read_text()
    assert "ansible-core==" in (tmp_path / "context/Containerfile").read_text()
