# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containerd's configuration as data: the schema of its major version, and what a dump must say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OLD = "io.containerd.grpc.v1.cri"
IMAGES, RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def containerd_config(version: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The content of config.toml for a version of containerd.

    ``settings``: sandbox_image, systemd_cgroup, restrict_oom_score_adj, snapshotter, certs_folder, extra. ``extra`` is
    laid over the result, in the schema of that version.
    """
    runc = {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": settings["systemd_cgroup"]}}
    containerd = {"default_runtime_name": "runc", "runtimes": {"runc": runc}}
    registry = {"config_path": settings["certs_folder"]}
    if major(version) >= 2:
        plugins: dict[str, Any] = {
            IMAGES: {
                "snapshotter": settings["snapshotter"],
                "pinned_images": {"sandbox": settings["sandbox_image"]},
                "registry": registry,
            },
            RUNTIME: {"restrict_oom_score_adj": settings["restrict_oom_score_adj"], "containerd": containerd},
        }
        config = {"version": 3, "plugins": plugins}
    else:
        cri = {
            "sandbox_image": settings["sandbox_image"],
            "restrict_oom_score_adj": settings["restrict_oom_score_adj"],
            "containerd": {"snapshotter": settings["snapshotter"], **containerd},
            "registry": registry,
        }
        config = {"version": 2, "plugins": {OLD: cri}}
    return merged(config, settings.get("extra") or {})


def major(version: str) -> int:
    """2 of ``2.1.5-1~debian.12``."""
    match = re.match(r"(?:\d+:)?v?(\d+)\.", version)
    if match is None:
        raise ValueError(f"'{version}' is no version of containerd")
    return int(match.group(1))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` wins, table by table."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def lacking(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str = "") -> list[str]:
    """What containerd understands otherwise than it was written: a setting under a name that it does not know, too."""
    problems = []
    for key, value in wanted.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            problems += lacking(value, found.get(key) or {}, f"{name} > ")
        elif found.get(key) != value:
            problems.append(f"{name} is {found.get(key)!r}, not {value!r}")
    return problems


def registry_hosts(mirrors: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``{folder below certs.d: content of its hosts.toml}``; ``*`` stands for every registry without an own entry.

    A mirror: ``endpoints`` in their order, ``skip_verify``, ``ca`` (path on the node), ``override_path``, and
    ``fallback`` (default true): whether the registry itself is asked when no endpoint has an image.
    """
    result = {}
    for registry, mirror in mirrors.items():
        hosts = {}
        for endpoint in mirror["endpoints"]:
            host: dict[str, Any] = {"capabilities": ["pull", "resolve"]}
            host.update({key: mirror[key] for key in ("skip_verify", "ca", "override_path") if mirror.get(key)})
            hosts[endpoint] = host
        content: dict[str, Any] = {} if mirror.get("fallback", True) else {"server": mirror["endpoints"][-1]}
        result["_default" if registry == "*" else registry] = {**content, "host": hosts}
    return result


def to_toml(data: Mapping[str, Any]) -> str:
    """TOML of nested tables with texts, numbers, truth values and lists of these. None is left out."""
    return "\n".join(_table(data, ())).strip() + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    values = {key: value for key, value in data.items() if not isinstance(value, Mapping) and value is not None}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    if path and (lines or not data):
        lines = ["", f"[{'.'.join(_key(part) for part in path)}]", *lines]
    for key, value in data.items():
        if isinstance(value, Mapping):
            lines += _table(value, (*path, key))
    return lines


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str):
        return _text(value)
    raise ValueError(f"{type(value).__name__} cannot be written as TOML")


def _text(value: str) -> str:
    """A basic string: control characters, quotes and backslashes are escaped."""
    escaped = "".join(
        {'"': '\\"', "\\": "\\\\"}.get(letter)
        or (f"\\u{ord(letter):04X}" if ord(letter) < 0x20 or ord(letter) == 0x7F else letter)
        for letter in value
    )
    return f'"{escaped}"'
