"""A module that requires other people's programs, so that Go compiles them at a wished version.

`go install module@version` refuses modules with replace lines. Kubernetes replaces its own libraries by folders of
its repository; published beside it, they carry the same version under major 0.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from lab.artifacts.catalogue import Program
from lab.artifacts.toolchain import Toolchain
from lab.nodes.commands import CommandError, run

GO_LINE = re.compile(r"^go (\S+)$", re.M)
REQUIRED = re.compile(r"^\s*(?:require\s+)?(k8s\.io/\S+)\s+v0\.0\.0\b", re.M)
STAGED = re.compile(r"^\s*(?:replace\s+)?(k8s\.io/\S+)\s+=>\s+\./staging/", re.M)
DOWNLOAD_SECONDS = 600


def write(folder: Path, program: Program, toolchain: Toolchain) -> None:
    """Write the wrapper module of a program into `folder`. Raises CommandError when a module cannot be had."""
    upstream = [_go_mod(folder, module, program.version, toolchain) for module in program.modules]
    (folder / "go.mod").write_text(go_mod(program, upstream))


def go_mod(program: Program, upstream: Sequence[str]) -> str:
    """go.mod of the wrapper. `upstream`: the go.mod files of the program's modules."""
    language = max((_go_version(text) for text in upstream), key=_numbers)
    lines = ["module lab.local/wrapper", f"go {language}"]
    lines += [f"require {module} {program.version}" for module in program.modules]
    published = "v0" + program.version[len("v1"):]
    for text in upstream:
        lines += [f"replace {module} => {module} {published}" for module in STAGED.findall(text)]
        # Required as well, so that the compiler's cache is shared with programs that just require them. Samples are
        # only replaced; not all are published.
        staged = set(STAGED.findall(text))
        lines += [f"require {module} {published}" for module in REQUIRED.findall(text) if module in staged]
    return "\n".join(lines) + "\n"


def _go_mod(folder: Path, module: str, version: str, toolchain: Toolchain) -> str:
    words = (toolchain.go, "mod", "download", "-json", f"{module}@{version}")
    environment = toolchain.environment()
    answer = run("env", f"--chdir={folder}", *words, env=environment, timeout=DOWNLOAD_SECONDS)
    found = json.loads(answer[answer.index("{"):])
    if "Error" in found:
        raise CommandError([os.fspath(word) for word in words], 1, found["Error"])
    return Path(found["GoMod"]).read_text()


def _go_version(text: str) -> str:
    found = GO_LINE.search(text)
    return found.group(1) if found else "1.17"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
