"""The collections that galaxy.yml asks for are those of the `ansible` package, on every core that the tests run on."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

GALAXY = yaml.safe_load((Path(__file__).parents[3] / "galaxy.yml").read_text(encoding="utf-8"))
PACKAGED = Path(sysconfig.get_paths()["purelib"]) / "ansible_collections"


@pytest.mark.parametrize(("name", "wanted"), GALAXY["dependencies"].items())
def test_the_ansible_package_satisfies_what_is_asked_for(name: str, wanted: str) -> None:
    manifest = json.loads((PACKAGED / name.replace(".", "/") / "MANIFEST.json").read_text(encoding="utf-8"))
    assert SpecifierSet(wanted).contains(manifest["collection_info"]["version"])
