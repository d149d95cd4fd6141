"""The collection as a user gets it: built from the checkout, installed from the tarball into an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Installed:
    """`folder` is empty but for `collections`; `run` starts a command there as a user would."""

    folder: Path
    artifact: Path

    @property
    def collection(self) -> Path:
        return self.folder / "collections/ansible_collections/detectviz/infra"

    def run(self, *command: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment.update(
            PATH=f"{BIN}:{environment['PATH']}",
            ANSIBLE_COLLECTIONS_PATH=str(self.folder / "collections"),
            ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
            LC_ALL="C.UTF-8",
            NO_COLOR="1",
            **extra,
        )
        done = subprocess.run(
            command, cwd=self.folder, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Builds from the files that git knows (and new ones that it does not ignore), installs without a network."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    folder = tmp_path_factory.mktemp("user")
    galaxy = str(BIN / "ansible-galaxy")
    build = [galaxy, "collection", "build", str(source), "--output-path", str(folder)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    artifact = next(folder.glob("detectviz-infra-*.tar.gz"))
    result = Installed(folder, artifact)
    result.run(galaxy, "collection", "install", str(artifact), "-p", str(folder / "collections"), "--offline")
    return result
