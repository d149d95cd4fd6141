"""Calico's install manifest for the lab: the published one where the machine has it, else a reduced one of our own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# A folder with published install manifests, named calico-<version>.yaml.
FOLDER = "DETECTVIZ_CALICO_MANIFESTS"
REDUCED = Path(__file__).parent / "calico.yaml"
REDUCED_VERSION = "v3.31.7"


def of_version(version: str, say: Callable[[str], None]) -> str:
    """The manifest's text. Raises FileNotFoundError if FOLDER is set and has none of this version."""
    if folder := os.environ.get(FOLDER):
        say(f"Calico {version}: the published manifest from {folder}")
        return (Path(folder) / f"calico-{version}.yaml").read_text(encoding="utf-8")
    say(f"Calico {version}: the lab's reduced manifest ({FOLDER} names no folder with published ones)")
    return REDUCED.read_text(encoding="utf-8").replace(REDUCED_VERSION, version)
