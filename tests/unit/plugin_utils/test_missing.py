"""What a new site still lacks, and what comes next."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.plugin_utils.missing import missing, next_steps

SITE: dict[str, Any] = {
    "proxmox_hosts": [{"name": "pve1", "address": "192.0.2.2"}],
    "guest_defaults": {"template": "debian", "ssh_keys": ["ssh-ed25519 AAAA"], "storage": "local-lvm"},
    "dns": {"servers": ["192.0.2.53"]},
}


def machine(name: str, node_role: str) -> dict[str, Any]:
    return {"name": name, "kind": "vm", "node_role": node_role, "networks": [], "disks": []}


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({}, False),
        ({"host_preparation": {"access": True}}, False),
        ({"host_preparation": {"bridges": False, "dns": True}}, True),
        ({"host_preparation": {"bridges": True}}, True),
        ({"host_preparation": {"bridges": True}, "host_bridges_rollback": False}, False),
        ({"host_preparation": {"snippets": True}}, True),
    ],
)
def test_keys_of_a_host_are_asked_for_where_its_preparation_needs_ssh(settings: dict[str, Any], needed: bool) -> None:
    found = missing({**SITE, **settings}, [machine("one", "worker")])
    assert bool(found) == needed
    assert all("ssh_host_keys of pve1" in text for text in found)


def test_what_comes_next_is_a_cluster_only_where_there_is_a_control_plane() -> None:
    alone = next_steps("site", [], [machine("one", "other")])
    cluster = next_steps("site", [], [machine("one", "control_plane")])
    assert "detectviz.infra.p1_machines makes the machines" in alone[-1]
    assert "detectviz.infra.site makes the machines, and a cluster of them" in cluster[-1]
