"""Where a suite runs: the checkout, the cache, the environments, and how it starts a command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

COLLECTION = Path("ansible_collections/detectviz/infra")

# ansible-test fetches pip's bootstrap script from a host of its own. This one does the same with the pip that
# Python carries, so that a machine with nothing but a package index can run the sanity tests.
PIP_BOOTSTRAP = """\
import ensurepip, pathlib, runpy, sys
# Debian keeps the wheels of ensurepip outside of it.
places = [pathlib.Path(ensurepip.__file__).parent / "_bundled", pathlib.Path("/usr/share/python-wheels")]
sys.path.insert(0, str(next(wheel for place in places for wheel in place.glob("pip-*.whl"))))
arguments = [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", *arguments]
runpy.run_module("pip", run_name="__main__")
"""


@dataclass(frozen=True)
class Core:
    """One ansible-core: its name on the command line, the environment that holds it, that environment's Python."""

    name: str
    venv: Path

    @property
    def bin(self) -> Path:
        return self.venv / "bin"

    @property
    def python_version(self) -> str:
        return next((self.venv / "lib").glob("python3.*")).name.removeprefix("python")


@dataclass
class Context:
    """`cores[0]` is the main line; suites that do not depend on the core use it."""

    root: Path
    cache: Path
    cores: list[Core]
    everything: bool
    scratch: Path

    @property
    def main(self) -> Core:
        return self.cores[0]

    def environment(self, core: Core, **extra: str) -> dict[str, str]:
        environment = dict(os.environ)
        environment.update(
            PATH=f"{core.bin}:{environment['PATH']}",
            VIRTUAL_ENV=str(core.venv),
            ANSIBLE_COLLECTIONS_PATH=str(self.root / ".collections"),
            ANSIBLE_CONFIG=str(self.root / "ansible.cfg"),
            PYTHONDONTWRITEBYTECODE="1",
            DETECTVIZ_CACHE=str(self.cache),
            LC_ALL="C.UTF-8",
            NO_COLOR="1",
        )
        environment.pop("PYTHONPATH", None)
        environment.update(extra)
        return environment

    def run(
        self,
        name: str,
        command: list[str],
        *,
        core: Core | None = None,
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        timeout: float = 3600,
    ) -> tuple[int, str]:
        """Runs a command with its output shown and kept. Returns the exit code and the output.

        Each line carries the name, as the lanes of suites show theirs in turn.
        """
        started = time.monotonic()
        print(f"--- {name}: {' '.join(command)}", flush=True)
        process = subprocess.Popen(
            command,
            cwd=cwd or self.root,
            env=environment or self.environment(core or self.main),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            print(f"{name} | {line}", end="", flush=True)
            if time.monotonic() - started > timeout:
                process.kill()
                lines.append(f"stopped after {timeout:.0f} seconds\n")
        code = process.wait()
        print(f"--- {name}: exit {code} after {time.monotonic() - started:.0f} s", flush=True)
        return code, "".join(lines)

    def collection_copy(self, core: Core) -> tuple[Path, dict[str, str]]:
        """A copy of the checkout where ansible-test wants it, and the environment to run ansible-test there.

        ansible-test needs a real path that ends in ansible_collections/<namespace>/<name>. Its symlink test refuses
        the links of .collections, and it takes the shell scripts in bin for Python: the copy leaves both out. The lab
        stays in: the integration targets start its emulator.
        """
        place = Path(tempfile.mkdtemp(prefix=f"ansible-test-{core.name}-", dir=self.scratch)) / COLLECTION
        place.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", ".", ":!.collections", ":!bin", ":!.ci"],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            source = self.root / name
            if source.exists():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place / name, follow_symlinks=False)
        home = self.cache / "ansible-test-home"
        (home / ".ansible/test/cache").mkdir(parents=True, exist_ok=True)
        bootstrap = home / f".ansible/test/cache/get_pip_{_pip_version(core)}.py"
        bootstrap.write_text(PIP_BOOTSTRAP)
        environment = self.environment(core, HOME=str(home))
        if "PIP_CONFIG_FILE" not in environment:
            own = Path.home() / ".config/pip/pip.conf"
            if own.exists():
                environment["PIP_CONFIG_FILE"] = str(own)
        # The copy is found by its place in the tree; the checkout's own settings would hide it.
        del environment["ANSIBLE_COLLECTIONS_PATH"], environment["ANSIBLE_CONFIG"]
        return place, environment


def _pip_version(core: Core) -> str:
    """The pip that this core's ansible-test asks for, as it writes it into a file name: 24_2."""
    source = next(core.venv.glob("lib/python3.*/site-packages/ansible_test/_internal/python_requirements.py"))
    found = re.search(r"\bpip='([0-9.]+)'", source.read_text())
    if not found:
        raise RuntimeError(f"{source} does not say which pip ansible-test bootstraps; adapt tests/runner/context.py")
    return found[1].replace(".", "_")
