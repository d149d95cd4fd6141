# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is like, part by part, in one reading: what the roles of P2 compare with what they want."""

from __future__ import annotations

import glob
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _node_kept as kept
from ansible_collections.detectviz.infra.plugins.module_utils._node_disks import volumes_state
from ansible_collections.detectviz.infra.plugins.module_utils._node_network import network_state
from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import parse_available, parse_installed

CAP_SYS_TIME = 25
TIME_CLIENTS = ("systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "openntpd")
SWAP_SERVICES = ("zramswap.service", "zram-config.service", "dphys-swapfile.service")
"""Services that make swap without a swap unit of their own."""

Run = Callable[[list[str]], tuple[int, str]]
"""Runs a command: its exit code and what it printed. A program that is not installed is code 127 and no text."""


def os_release(text: str) -> dict[str, str]:
    """``{id, version, codename}`` from /etc/os-release."""
    pairs = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.M))
    return {"id": pairs.get("ID", ""), "version": pairs.get("VERSION_ID", ""), "codename": pairs.get("VERSION_CODENAME", "")}


def read(path: str) -> str:
    """The text of a file; empty if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def swap_state(run: Run) -> dict[str, Any]:
    """``{active, fstab, units, services}``: in use now, and what makes it again at boot."""
    units = {row[0] for row in _rows(run(["systemctl", "list-units", "--all", "--type=swap", "--plain", "--no-legend"])[1])}
    files = {
        row[0]: row[1]
        for row in _rows(run(["systemctl", "list-unit-files", "--type=swap", "--plain", "--no-legend"])[1])
    }
    services = service_states(run, SWAP_SERVICES)
    return {
        "active": kept.active_swap(read("/proc/swaps")),
        "fstab": kept.swap_lines(read("/etc/fstab")),
        "units": sorted(name for name in units | set(files) if files.get(name) != "masked"),
        "services": sorted(name for name, row in services.items() if row["active"] or row["enabled"]),
    }


def _rows(text: str) -> list[list[str]]:
    rows = [line.split() for line in text.splitlines()]
    return [row for row in rows if len(row) >= 2]


def modules_state(names: Sequence[str]) -> dict[str, Any]:
    """``{loadable, kept, loaded: {name: bool}}``: loaded, or built into the kernel, as far as the kernel tells."""
    release = os.uname().release
    loaded = {line.split()[0] for line in read("/proc/modules").splitlines()}
    builtin = {os.path.basename(line)[:-3] for line in read(f"/lib/modules/{release}/modules.builtin").splitlines()}
    return {
        "loadable": os.path.exists("/proc/modules") and os.path.isdir(f"/lib/modules/{release}"),
        "kept": kept.kept_modules(
            [*(read(path) for path in kept.boot_order(_conf(kept.MODULE_FOLDERS), kept.MODULE_FOLDERS)), read("/etc/modules")]
        ),
        "loaded": {
            name: kept.module_key(name) in loaded | {kept.module_key(item) for item in builtin} or _works(name)
            for name in names
        },
    }


def _works(name: str) -> bool:
    """Whether the kernel has the function, where it lists no modules at all."""
    key = kept.module_key(name)
    if key == "br_netfilter":
        return os.path.exists("/proc/sys/net/bridge/bridge-nf-call-iptables")
    filesystems = [line.split()[-1] for line in read("/proc/filesystems").splitlines() if line.split()]
    return key in filesystems or os.path.isdir(f"/sys/module/{key}")


def sysctls_state(names: Sequence[str]) -> dict[str, Any]:
    """``{live: {name: value or None}, kept: {name: {value, path}}}`` of the given names."""
    files = kept.boot_order(_conf(kept.SYSCTL_FOLDERS), kept.SYSCTL_FOLDERS)
    at_boot = kept.kept_sysctls((path, read(path)) for path in files)
    return {
        "live": {name: _sysctl(name) for name in names},
        "kept": {key: at_boot[key] for key in map(kept.sysctl_key, names) if key in at_boot},
    }


def _sysctl(name: str) -> str | None:
    path = "/proc/sys/" + kept.sysctl_key(name).translate(str.maketrans("./", "/."))
    return " ".join(read(path).split()) if os.path.exists(path) else None


def _conf(folders: Sequence[str]) -> list[str]:
    return [path for folder in folders for path in sorted(glob.glob(f"{folder}/*.conf"))]


def time_state(run: Run, control_time: float) -> dict[str, Any]:
    """``{client, synchronised, settable, clock, offset}``: the clock in seconds of the epoch, and how many of them it is ahead
    of the control machine's, its delay included."""
    services = service_states(run, TIME_CLIENTS)
    shown = dict(line.partition("=")[::2] for line in run(["timedatectl", "show"])[1].splitlines())
    bounds = re.search(r"^CapEff:\s*([0-9a-f]+)", read("/proc/self/status"), re.M)
    clock = round(time.time(), 1)
    return {
        "client": next((name for name in TIME_CLIENTS if services[name]["active"]), None),
        "synchronised": shown.get("NTPSynchronized") == "yes",
        "settable": bool(bounds and int(bounds.group(1), 16) >> CAP_SYS_TIME & 1),
        "clock": clock,
        "offset": round(clock - control_time, 1) if control_time else 0.0,
    }


def service_states(run: Run, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``{name: {exists, active, enabled, since}}``; since is when it started, in seconds of the epoch."""
    if not names:
        return {}
    properties = "Id,LoadState,ActiveState,UnitFileState,ActiveEnterTimestampMonotonic"
    _code, text = run(["systemctl", "show", "--no-pager", f"--property={properties}", *names])
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.split("\n\n") if block.strip()]
    booted = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    result = {}
    for number, name in enumerate(names):
        block = blocks[number] if number < len(blocks) else {}
        result[name] = {
            "exists": block.get("LoadState") in ("loaded", "masked"),
            "active": block.get("ActiveState") == "active",
            "enabled": block.get("UnitFileState") in ("enabled", "enabled-runtime", "static"),
            "since": booted + int(block.get("ActiveEnterTimestampMonotonic") or 0) / 1e6,
        }
    return result


def files_state(patterns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``{path: {content, mode, modified}}`` of the files that match; missing ones are left out."""
    result = {}
    for pattern in patterns:
        for path in sorted(glob.glob(pattern)):
            if os.path.isfile(path):
                status = os.stat(path)
                result[path] = {
                    "content": read(path),
                    "mode": f"{stat.S_IMODE(status.st_mode):04o}",
                    "modified": status.st_mtime,
                }
    return result


def packages_state(run: Run, names: Sequence[str]) -> dict[str, Any]:
    """``{installed: {name: {version, held}}, available: {name: [versions]}}``."""
    layout = "${binary:Package}\\t${Version}\\t${db:Status-Abbrev}\\n"
    return {
        "installed": parse_installed(run(["dpkg-query", "--show", f"--showformat={layout}", *names])[1]),
        "available": parse_available(run(["apt-cache", "madison", *names])[1]),
    }


def sshd_state(run: Run) -> dict[str, str]:
    """The options in effect, in lower case, of a connection from anywhere. An option given several times is joined."""
    found: dict[str, str] = {}
    for line in run(["sshd", "-T"])[1].splitlines():
        name, _blank, value = line.partition(" ")
        found[name] = f"{found[name]} {value}" if name in found else value
    return found


def node_state(run: Run, parts: dict[str, Any]) -> dict[str, Any]:
    """The parts that were asked for, and always ``os`` and ``container``."""
    state: dict[str, Any] = {
        "os": os_release(read("/etc/os-release")),
        "container": run(["systemd-detect-virt", "--container"])[1].strip() not in ("", "none"),
    }
    readers: dict[str, Callable[[], Any]] = {
        "swap": lambda: swap_state(run),
        "modules": lambda: modules_state(parts["modules"]),
        "sysctls": lambda: sysctls_state(parts["sysctls"]),
        "network": lambda: network_state(run),
        "time": lambda: time_state(run, parts["control_time"]),
        "packages": lambda: packages_state(run, parts["packages"]),
        "services": lambda: service_states(run, parts["services"]),
        "files": lambda: files_state(parts["files"]),
        "disks": lambda: volumes_state(run, parts["disks"]),
        "sshd": lambda: sshd_state(run),
        "commands": lambda: [{"command": line, **_answer(run, line)} for line in parts["commands"]],
    }
    state.update({name: reader() for name, reader in readers.items() if parts.get(name)})
    return state


def _answer(run: Run, line: str) -> dict[str, Any]:
    code, output = run(line.split())
    return {"rc": code, "output": output}
