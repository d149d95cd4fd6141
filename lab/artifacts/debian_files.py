"""Files of Debian packages in a root file system, with everything the packages depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
# What a program needs to run; documentation and package management stay behind.
LEFT_OUT = ("/usr/share/doc", "/usr/share/man", "/usr/share/lintian", "/usr/share/bug", "/usr/share/locale",
            "/usr/lib/systemd", "/lib/systemd")  # fmt: skip
ALTERNATIVES = Path("etc/alternatives")


def files_of(root: Path, packages: Iterable[str]) -> dict[str, Path]:
    """Path in an image to the file below `root`, for the packages and what they depend on.

    Raises KeyError with the name of a package that is not installed there.
    """
    admin = root / "var/lib/dpkg"
    found: dict[str, Path] = {}
    for package in closure((admin / "status").read_text(), packages):
        for name in _listing(admin / "info", package).read_text().splitlines():
            path = root / name.lstrip("/")
            if not name.startswith(LEFT_OUT) and (path.is_symlink() or path.is_file()):
                found[name.lstrip("/")] = path
    found.update(_alternatives(root, found))
    return found


def closure(status: str, packages: Iterable[str]) -> list[str]:
    """The packages and all they depend on. `status`: dpkg's; a virtual package stands for the one that provides it."""
    depends, providers = _relations(status)
    wanted, waiting = set(), list(packages)
    while waiting:
        name = waiting.pop()
        name = name if name in depends else providers.get(name, name)
        if name not in wanted:
            wanted.add(name)
            waiting += depends[name]
    return sorted(wanted)


def _relations(status: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    depends: dict[str, list[str]] = {}
    alternatives: dict[str, list[list[str]]] = {}
    providers: dict[str, str] = {}
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if " installed" not in fields.get("Status", ""):
            continue
        name = fields["Package"]
        both = ", ".join(fields[key] for key in ("Pre-Depends", "Depends") if key in fields)
        alternatives[name] = [_names(part) for part in both.split(",") if part.strip()]
        for provided in fields.get("Provides", "").split(","):
            if provided.strip():
                providers[_names(provided)[0]] = name
    for name, groups in alternatives.items():
        there = (next((item for item in group if item in alternatives or item in providers), None) for group in groups)
        depends[name] = [item for item in there if item]
    return depends, providers


def _names(group: str) -> list[str]:
    return [found.group() for part in group.split("|") if (found := NAME.search(part))]


def _listing(info: Path, package: str) -> Path:
    plain = info / f"{package}.list"
    return plain if plain.exists() else next(info.glob(f"{package}:*.list"))


def _alternatives(root: Path, files: Mapping[str, Path]) -> dict[str, Path]:
    """Commands that reach one of the files through /etc/alternatives, such as iptables."""
    found: dict[str, Path] = {}
    for link in (root / ALTERNATIVES).iterdir():
        if not link.is_symlink() or str(link.readlink()).lstrip("/") not in files:
            continue
        found[str(ALTERNATIVES / link.name)] = link
        for folder in ("usr/sbin", "usr/bin"):
            command = root / folder / link.name
            if command.is_symlink() and str(command.readlink()) == f"/{ALTERNATIVES / link.name}":
                found[f"{folder}/{link.name}"] = command
    return found
