# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages of a node: versions, holds, what the repositories offer, and which one is wanted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

NUMBERS = re.compile(r"\d+")


def parse_installed(text: str) -> dict[str, dict[str, Any]]:
    """``{name: {version, held}}`` from ``dpkg-query -f '${binary:Package}\\t${Version}\\t${db:Status-Abbrev}\\n'``.

    Packages whose files are not there (removed, half installed) are left out.
    """
    found = {}
    for line in text.splitlines():
        name, _tab, rest = line.partition("\t")
        version, _tab, status = rest.partition("\t")
        if len(status) >= 2 and status[1] == "i":
            found[name.partition(":")[0]] = {"version": version, "held": status[0] == "h"}
    return found


def parse_available(text: str) -> dict[str, list[str]]:
    """``{name: [versions]}`` from ``apt-cache madison``, as it lists them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 3 and not fields[2].endswith("Sources"):
            versions = found.setdefault(fields[0], [])
            if fields[1] not in versions:
                versions.append(fields[1])
    return found


def upstream(version: str) -> str:
    """``2.1.5`` of ``1:2.1.5~ds1-1~debian.12~bookworm``: without epoch, revision and repacking."""
    plain = version.partition(":")[2] if ":" in version else version
    return re.split(r"[-~+]", plain, maxsplit=1)[0]


def matches(version: str, wanted: str) -> bool:
    """Whether a package's version is the wanted one, given as ``1``, ``1.36``, ``1.36.3`` or in full."""
    if version == wanted:
        return True
    have, want = upstream(version).split("."), wanted.removeprefix("v").split(".")
    return have[: len(want)] == want


def other_versions(
    machines: Mapping[str, Mapping[str, Mapping[str, Any]]], wanted: str, names: Iterable[str], rivals: Iterable[str] = ()
) -> list[str]:
    """One text for each machine that has packages of these names that :func:`choose_packages` would replace, or one of the
    ``rivals``, which have other names and would have to go for them."""
    names, told = list(names), {}
    others = set(rivals) - set(names)
    for machine, found in machines.items():
        told[machine] = choose_packages(names, wanted, found, {})["replaced"]
        told[machine] += [f"{name} {package['version']}" for name, package in found.items() if name in others]
    return [f"{machine} has {' and '.join(packages)}" for machine, packages in told.items() if packages]


def newest(versions: Iterable[str], wanted: str) -> str | None:
    """The newest of the versions that match; None if none does."""
    fitting = [version for version in versions if matches(version, wanted)]
    return max(fitting, key=_order, default=None)


def _order(version: str) -> tuple[list[int], bool, list[int]]:
    """By the numbers of the upstream version, then pre-releases (``~rc``) before releases, then the rest."""
    head = upstream(version)
    rest = version.partition(head)[2]
    return [int(number) for number in NUMBERS.findall(head)], not re.match(r"~(rc|beta|alpha)", rest), [
        int(number) for number in NUMBERS.findall(rest)
    ]  # fmt: skip


def choose_packages(
    names: Iterable[str], wanted: str, found: Mapping[str, Mapping[str, Any]], available: Mapping[str, list[str]]
) -> dict[str, Any]:
    """What to do about packages of one version.

    Returns ``{install: [name=version], replaced: [text], missing: [text], unheld: [name]}``. ``replaced`` tells packages
    that are installed in another version, ``missing`` those that no repository offers. All packages get the same
    upstream version: the one that is installed already, or the newest that is offered for all of them.
    """
    result: dict[str, Any] = {"install": [], "replaced": [], "missing": [], "unheld": []}
    names = list(names)
    there = {name: found[name]["version"] for name in names if name in found}
    fitting = [version for version in there.values() if matches(version, wanted)]
    offered = {name: [version for version in available.get(name, []) if matches(version, wanted)] for name in names}
    # A node that has one of them already gets the others to match it.
    exact = upstream(fitting[0]) if fitting else upstream(newest(_offered_for_all(offered), wanted) or wanted)
    for name in names:
        version = there.get(name)
        if version is not None and matches(version, wanted) and upstream(version) == exact:
            if not found[name]["held"]:
                result["unheld"].append(name)
            continue
        candidate = newest(offered[name], exact)
        if version is not None:
            result["replaced"].append(f"{name} {version}")
        if candidate is None:
            others = ", ".join(sorted(available.get(name, []), key=_order)[-5:]) or "none"
            result["missing"].append(f"{name} {exact} (offered: {others})")
        else:
            result["install"].append(f"{name}={candidate}")
        result["unheld"].append(name)
    return result


def _offered_for_all(offered: Mapping[str, list[str]]) -> list[str]:
    """Versions of the first package that the others have too. Where there is none, all of the first one's."""
    first, *others = offered.values()
    shared = [version for version in first if all(upstream(version) in map(upstream, other) for other in others)]
    return shared or first
