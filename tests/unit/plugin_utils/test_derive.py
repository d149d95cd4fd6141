"""What follows from the site's data."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import site_factory as factory
from ansible_collections.detectviz.infra.plugins.plugin_utils.derive import _pool_addresses, derive


def derived(folder: Path, machines: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    factory.write(folder, machines, factory.site(**changes))
    return factory.load(folder).derived


def test_the_cni_mtu_leaves_room_for_vxlan(tmp_path: Path) -> None:
    assert derived(tmp_path, factory.cluster())["cni_mtu"] == 8950


def test_the_cni_mtu_follows_the_smallest_node(tmp_path: Path) -> None:
    machines = factory.cluster()
    machines[3]["networks"][1]["mtu"] = 1500
    assert derived(tmp_path, machines)["cni_mtu"] == 1450


def test_the_certificate_holds_the_vip_and_every_master_but_no_worker(tmp_path: Path) -> None:
    names = derived(tmp_path, factory.cluster())["certificate_names"]
    wanted = {"192.168.0.10", "k8s-api", "k8s-api.example.internal", "node-3", "node-3.example.internal", "10.0.0.13"}
    assert wanted <= set(names)
    assert not {"node-4", "192.168.0.14"} & set(names)
    assert len(names) == len(set(names))


def test_every_machine_host_and_the_vip_have_a_record_in_the_zone_of_their_network(tmp_path: Path) -> None:
    records = {(item["name"], item["value"]) for item in derived(tmp_path, factory.cluster())["dns_records"]}
    assert {
        ("pve1.example.internal", "192.168.0.2"),
        ("node-1.example.internal", "192.168.0.11"),
        ("k8s-api.example.internal", "192.168.0.10"),
    } <= records
    assert not any(value.startswith("10.") for _name, value in records)


def test_the_pool_is_told_address_by_address_and_a_great_one_in_part(tmp_path: Path) -> None:
    found = derived(tmp_path, factory.cluster())["load_balancer_addresses"]
    assert (found[0], found[-1], len(found)) == ("192.168.0.200", "192.168.0.220", 21)
    great = _pool_addresses({"load_balancer_pool": ["192.0.2.1", "2001:db8::/64"]})
    assert great[:3] == ["192.0.2.1", "2001:db8::", "2001:db8::1"] and len(great) == 256


def test_records_without_an_address_follow_the_ingress(tmp_path: Path) -> None:
    dns = {**factory.SITE["dns"], "extra_records": [{"name": "argocd"}]}
    found = derived(tmp_path, factory.cluster(), dns=dns)
    assert found["ingress_address"] == "192.168.0.200"
    assert {
        "zone": "example.internal",
        "name": "argocd.example.internal",
        "type": "A",
        "value": "192.168.0.200",
    } in found["dns_records"]


def test_ipv6_addresses_become_aaaa_records(tmp_path: Path) -> None:
    networks = copy.deepcopy(factory.SITE["networks"])
    networks["vmbr0"]["cidr6"] = "fd00::/64"
    machines = factory.cluster(1, 0)
    machines[0]["networks"][0]["addresses"].append("fd00::11/64")
    records = derived(tmp_path, machines, networks=networks)["dns_records"]
    assert {
        "zone": "example.internal",
        "name": "node-1.example.internal",
        "type": "AAAA",
        "value": "fd00::11",
    } in records


def test_node_addresses_are_on_the_cluster_network(tmp_path: Path) -> None:
    assert derived(tmp_path, factory.cluster(1, 1))["node_addresses"] == {"node-1": "10.0.0.11", "node-2": "10.0.0.12"}


def test_labels_carry_the_proxmox_host_as_the_zone(tmp_path: Path) -> None:
    machines = factory.cluster(1, 1)
    machines[1]["labels"] = {"disk": "ssd"}
    labels = derived(tmp_path, machines)["node_labels"]
    assert labels["node-2"] == {"topology.kubernetes.io/zone": "pve1", "disk": "ssd"}


@pytest.mark.parametrize(
    ("masters_per_host", "guest", "host"),
    [
        ([1], False, False),
        ([3], True, False),
        ([1, 1, 1], True, True),
        ([2, 1], True, False),
        ([2, 2, 1], True, True),
        ([], False, False),
    ],
)
def test_survival_is_counted_by_majority(masters_per_host: list[int], guest: bool, host: bool) -> None:
    site = {
        "proxmox_hosts": [
            {"name": f"pve{number}", "address": f"10.0.0.{number}"} for number in range(len(masters_per_host))
        ]
    }
    machines = [
        {
            "name": f"m{number}-{index}",
            "vm_id": 100 + 10 * number + index,
            "node_role": "control_plane",
            "pve_node": f"pve{number}",
            "networks": [],
        }
        for number, count in enumerate(masters_per_host)
        for index in range(count)
    ]
    survives = derive(site, machines)["survives"]
    assert (survives["guest"], survives["host"]) == (guest, host)


def test_one_proxmox_host_is_said_to_survive_a_guest_alone(tmp_path: Path) -> None:
    found = derived(tmp_path, factory.cluster())
    assert any("survives the loss of a guest, not of the host" in text for text in found["warnings"])


def test_the_ingress_on_the_vip_warns_of_external_ips(tmp_path: Path) -> None:
    found = derived(tmp_path, factory.cluster(), ingress_address="192.168.0.10")
    assert found["ingress_address"] == "192.168.0.10"
    assert any("deprecates external IPs" in text for text in found["warnings"])


@pytest.mark.parametrize(
    ("site", "snippet"),
    [
        ({}, ""),
        ({"host_preparation": {"snippets": False}}, ""),
        ({"host_preparation": {"snippets": True}}, "local:snippets/home.yml"),
        ({"guest_defaults": {"vendor_snippet": "nas:snippets/own.yml"}}, "nas:snippets/own.yml"),
        (
            {"host_preparation": {"snippets": True}, "guest_defaults": {"vendor_snippet": "nas:snippets/own.yml"}},
            "nas:snippets/own.yml",
        ),
    ],
)
def test_the_vendor_snippet_is_the_sites_own_or_the_one_that_host_preparation_writes(
    site: dict[str, Any], snippet: str
) -> None:
    assert derive({"site_name": "home", **site}, [])["vendor_snippet"] == snippet


def test_deriving_changes_neither_site_nor_machines(tmp_path: Path) -> None:
    factory.write(tmp_path, factory.cluster())
    site = factory.load(tmp_path)
    data, machines = copy.deepcopy(site.data), copy.deepcopy(site.machines)
    derive(site.data, site.machines)
    assert (site.data, site.machines) == (data, machines)
