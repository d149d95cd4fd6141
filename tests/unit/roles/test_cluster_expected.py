# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acceptance wants of the pods' network and the container runtime: what the roles that make them were told, never a copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.unit.plays import run, starter

KEYS = ("felix", "pools", "cni_mtu", "calico_address_detection", "containerd_version")
FELIX = {"wireguardMTU": 1340, "bpfLogLevel": "Info", "prometheusMetricsEnabled": False}


def expected(folder: Path, **variables: Any) -> dict[str, Any]:
    """Of the starter site, with these variables; there is no cluster, and what is found is nothing to this test."""
    told = folder / "expected.json"
    tasks = [
        {"name": "Report", "ansible.builtin.include_role": {"name": "detectviz.infra.cluster_report", "public": True}},
        {
            "name": "What is expected",
            "ansible.builtin.copy": {"content": "{{ __cluster_report_expected }}", "dest": str(told), "mode": "0600"},
            "check_mode": False,
        },
    ]
    play = {"name": "Play", "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    code, said = run(folder, starter(folder), folder / "play.yml", "--check", "-e", json.dumps(variables))
    assert code == 0, said
    found = json.loads(told.read_text(encoding="utf-8"))
    # ansible-core 2.18 hands a number on as text.
    felix = {field: str(value) for field, value in found["felix"].items()}
    return {**{key: found[key] for key in KEYS}, "cni_mtu": int(found["cni_mtu"]), "felix": felix}


def test_without_variables_of_calico_they_follow_from_the_sites_networks(tmp_path: Path) -> None:
    found = expected(tmp_path)
    (pool,) = found["pools"].values()
    assert found["felix"] == {
        "vxlanEnabled": "True", "ipipEnabled": "False", "vxlanMTU": str(found["cni_mtu"]), "wireguardMTU": str(found["cni_mtu"]),
        "defaultEndpointToHostAction": "Accept", "healthEnabled": "True", "healthPort": "9099", "logSeverityScreen": "Info",
        "prometheusMetricsEnabled": "True", "prometheusMetricsPort": "9091", "reportingInterval": "30s",
    }  # fmt: skip
    assert found["cni_mtu"] > 1000
    assert (pool["vxlanMode"], pool["ipipMode"]) == ("Always", "Never")
    assert found["calico_address_detection"] == "", "each node's own address"


def test_what_calico_is_told_is_what_is_expected(tmp_path: Path) -> None:
    found = expected(
        tmp_path, calico_encapsulation="ipip_cross_subnet", calico_mtu=1380, calico_felix=FELIX,
        calico_pool_cidrs=["10.9.0.0/16"], calico_address_detection="interface=eth1",
    )  # fmt: skip
    (pool,) = found["pools"].values()
    assert (pool["cidr"], pool["vxlanMode"], pool["ipipMode"]) == ("10.9.0.0/16", "Never", "CrossSubnet")
    told = {"vxlanEnabled": "False", "ipipEnabled": "True", "vxlanMTU": "1380", **{field: str(value) for field, value in FELIX.items()}}
    assert told.items() <= found["felix"].items() and found["cni_mtu"] == 1380
    assert found["calico_address_detection"] == "interface=eth1"


def test_containerd_is_the_one_that_its_role_installs(tmp_path: Path) -> None:
    assert expected(tmp_path)["containerd_version"] == "2"


def test_a_site_with_containerd_1_gets_what_it_asked_for(tmp_path: Path) -> None:
    assert expected(tmp_path, containerd_version="1.7")["containerd_version"] == "1.7"
