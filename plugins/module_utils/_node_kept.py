# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a node keeps settings over a reboot: what its files say about kernel parameters, modules and swap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SYSCTL_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
MODULE_FOLDERS = ("/etc/modules-load.d", "/run/modules-load.d", "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d")
"""Where systemd looks, strongest folder first: a file hides one of the same name in a weaker folder."""


def boot_order(paths: Iterable[str], folders: Iterable[str]) -> list[str]:
    """The files that systemd reads at boot, in the order of their names; a later file wins."""
    strength = {folder: number for number, folder in enumerate(folders)}
    chosen: dict[str, str] = {}
    for path in paths:
        folder, _slash, name = path.rpartition("/")
        if name.endswith(".conf") and folder in strength:
            known = chosen.get(name)
            if known is None or strength[folder] < strength[known.rpartition("/")[0]]:
                chosen[name] = path
    return [chosen[name] for name in sorted(chosen)]


def sysctl_key(name: str) -> str:
    """One spelling of a name: ``net/ipv4/conf/eth0.5/rp_filter`` and ``net.ipv4.conf.eth0/5.rp_filter`` are the same.

    The first separator says which of the two spellings it is, as sysctl.d(5) has it.
    """
    name = name.strip().lstrip("-")
    first = next((letter for letter in name if letter in "./"), ".")
    return name if first == "." else name.translate(str.maketrans("./", "/."))


def kept_sysctls(files: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """``{name: {value, path}}`` that a boot sets, from (path, text) in boot order. Globs are left out."""
    kept: dict[str, dict[str, str]] = {}
    for path, text in files:
        for line in text.splitlines():
            line = line.strip()
            name, equals, value = line.partition("=")
            if equals and line[:1] not in ("#", ";") and "*" not in name:
                kept[sysctl_key(name)] = {"value": " ".join(value.split()), "path": path}
    return kept


def kept_modules(texts: Iterable[str]) -> list[str]:
    """Modules that a boot loads; a dash and an underscore in a name are the same."""
    names = []
    for text in texts:
        for line in text.splitlines():
            word = (line.split() or [""])[0]
            if word and word[0] not in "#;":
                names.append(module_key(word))
    return sorted(set(names))


def module_key(name: str) -> str:
    return name.replace("-", "_")


def swap_lines(fstab: str) -> list[str]:
    """Lines of /etc/fstab that make swap."""
    found = []
    for line in fstab.splitlines():
        fields = line.split()
        if len(fields) >= 3 and not fields[0].startswith("#") and fields[2] == "swap":
            found.append(line)
    return found


def active_swap(text: str) -> list[dict[str, Any]]:
    """``[{device, kind, size_kb}]`` from /proc/swaps."""
    rows = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 3 and fields[2].isdigit():
            # A blank in a path is written as \040.
            rows.append({"device": fields[0].replace("\\040", " "), "kind": fields[1], "size_kb": int(fields[2])})
    return rows


def sysctl_problems(
    wanted: Mapping[str, Any], live: Mapping[str, str | None], kept: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """What is not as wanted, now or after a reboot, each with the way out."""
    problems = []
    for name, value in wanted.items():
        text, found = " ".join(str(value).split()), live.get(name)
        if found is None:
            problems.append(f"{name} does not exist: the kernel module behind it is not loaded")
        elif found != text:
            problems.append(f"{name} is {found}, not {text}: something else on the machine sets it")
        later = kept.get(sysctl_key(name))
        if later is None:
            problems.append(f"{name} is set by no file: it is lost with the next boot")
        elif later["value"] != text:
            problems.append(f"{later['path']} sets {name} to {later['value']} at boot, not {text}: remove it there")
    return problems
