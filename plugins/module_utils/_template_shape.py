# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an existing template can be cloned by this collection, told from its configuration. Pure.

A template that somebody else made is taken as it is: SeaBIOS or i440fx are no fault. Only what a clone cannot do
without is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as properties
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import cloud_init_drive, system_disk


@dataclass(frozen=True)
class Finding:
    """``fatal`` findings forbid a clone; the others are told."""

    text: str
    fatal: bool


def describe(config: Mapping[str, Any]) -> dict[str, Any]:
    """The shape that matters for clones: firmware, machine, disks and what cloud-init and the agent have."""
    texts = {key: str(value) for key, value in config.items()}
    return {
        "bios": str(config.get("bios") or "seabios"),
        "machine": str(config.get("machine") or "pc"),
        "system_disk": system_disk(texts),
        "cloud_init_drive": cloud_init_drive(texts),
        "agent": _agent_enabled(config),
        "serial": "serial0" in config,
        "is_template": properties.canonical(str(config.get("template", 0))) == "1",
    }


def findings(config: Mapping[str, Any], label: str) -> list[Finding]:
    """What is wrong with the template called ``label`` (``VM template ubuntu (9000) on pve1``)."""
    return list(_findings(config, label))


def _findings(config: Mapping[str, Any], label: str) -> Iterator[Finding]:
    shape = describe(config)
    if shape["system_disk"] is None:
        yield Finding(f"{label} has no disk: nothing would boot; import a cloud image into it", True)
    if shape["cloud_init_drive"] is None:
        yield Finding(
            f"{label} has no cloud-init drive: each clone is given one; whether its image holds cloud-init cannot be "
            "told from here",
            False,
        )
    if not shape["agent"]:
        yield Finding(
            f"{label} does not enable the guest agent: clones get agent=1, but if its image lacks qemu-guest-agent, "
            "their addresses and host keys cannot be read over the API",
            False,
        )
    if not shape["serial"]:
        yield Finding(f"{label} has no serial console: cloud images that log there only will show nothing", False)
    if shape["bios"] == "ovmf" and "efidisk0" not in config:
        yield Finding(f"{label} boots by OVMF without an EFI disk: its boot order is lost at each stop", False)


def _agent_enabled(config: Mapping[str, Any]) -> bool:
    value = properties.parse(str(config.get("agent") or ""), "enabled").get("enabled", "0")
    return properties.canonical(value) == "1"
