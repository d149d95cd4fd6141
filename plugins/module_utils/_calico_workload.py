# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of single objects of Calico's install manifest, in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

_BIRD_PROBES = ("-bird-live", "-bird-ready")
# Calico writes the MTU into its network configuration as a number, in place of this word, which makes it no JSON yet.
_MTU_WORD = "__CNI_MTU__"


def find_object(objects: list[Any], kind: str, name: str) -> dict[str, Any] | None:
    for item in objects:
        if item and item["kind"] == kind and item["metadata"].get("name") == name:
            return item
    return None


def workloads(objects: list[Any]) -> Iterator[dict[str, Any]]:
    """The templates of pods in all objects."""
    for item in objects:
        if item and item["kind"] in ("DaemonSet", "Deployment", "StatefulSet", "Job"):
            yield item["spec"]["template"]


def set_variables(container: dict[str, Any], variables: dict[str, str]) -> None:
    """Each variable once: in the place of the first of its name, whatever it was, or at the end."""
    kept = []
    left = dict(variables)
    for entry in container.get("env") or []:
        name = entry["name"]
        if name in left:
            kept.append({"name": name, "value": left.pop(name)})
        elif name not in variables:
            kept.append(entry)
    container["env"] = kept + [{"name": name, "value": value} for name, value in left.items()]


def repeated_variables(node: dict[str, Any], keep: set[str]) -> list[str]:
    """Variables that a container has twice, which the API refuses; those in ``keep`` are set anew and can stay."""
    problems = []
    for container in containers_of(node["spec"]["template"]):
        names = [entry["name"] for entry in container.get("env") or []]
        harmless = keep if container["name"] == "calico-node" else set()
        twice = sorted({name for name in names if names.count(name) > 1} - harmless)
        if twice:
            problems.append(f"its container {container['name']} has {', '.join(twice)} twice")
    return problems


def drop_bird_probes(container: dict[str, Any]) -> None:
    """Without BIRD its probes would never succeed."""
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        action = (container.get(probe) or {}).get("exec")
        if action:
            action["command"] = [word for word in action["command"] if word not in _BIRD_PROBES]


def containers_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod's template, those that run first included."""
    return [*(template["spec"].get("initContainers") or []), *template["spec"]["containers"]]


def images_of(objects: list[Any]) -> list[str]:
    """Every image once, in the order of the manifest."""
    return list(dict.fromkeys(item["image"] for template in workloads(objects) for item in containers_of(template)))


def set_registry(template: dict[str, Any], registry: str) -> None:
    """The registry in the name of each image; repository, tag and digest stay."""
    for container in containers_of(template):
        first, slash, rest = container["image"].partition("/")
        named = slash and ("." in first or ":" in first or first == "localhost")
        container["image"] = f"{registry}/{rest if named else container['image']}"


def cni_families(text: str, versions: set[int]) -> str:
    """Calico's network configuration with addresses of these IP versions for each pod.

    Raises InfraError if it is not the JSON that Calico publishes.
    """
    quoted = f'"{_MTU_WORD}"'
    try:
        config = json.loads(text.replace(quoted, _MTU_WORD).replace(_MTU_WORD, quoted))
        plugin = next(item for item in config["plugins"] if item.get("type") == "calico")
        plugin["ipam"] |= {f"assign_ipv{version}": "true" if version in versions else "false" for version in (4, 6)}
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise InfraError(
            "calico-config: cni_network_config is not as Calico publishes it, and cannot be changed"
        ) from error
    return json.dumps(config, indent=2).replace(quoted, _MTU_WORD)
