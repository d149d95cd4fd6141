"""Sites of other shapes than the documented one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import site_factory as factory
from site_factory import HOSTS, flat

from tests import site_shapes as shapes

ONE_NETWORK = {"vmbr0": factory.SITE["networks"]["vmbr0"]}


def shaped(folder: Path, shape: factory.Shape) -> Any:
    """A site of tests/site_shapes.py; tests/emulated/test_topologies.py plans and renders the same."""
    shape.write(folder)
    return factory.load(folder)


def loaded(folder: Path, machines: list[dict[str, Any]], **changes: Any) -> Any:
    factory.write(folder, machines, factory.site(**changes))
    return factory.load(folder)


def test_one_nic_without_vmbr1(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.one_nic())
    assert site.machines[0]["networks"] == [
        {"name": "eth0", "bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1", "mtu": 1500}
    ]
    assert site.derived["cni_mtu"] == 1450
    assert site.derived["node_addresses"] == {"node-1": "192.168.0.11", "node-2": "192.168.0.12"}


def test_a_vlan_tag_of_the_network_reaches_the_interface(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.vlan_tag())
    for machine in site.machines:
        assert (machine["networks"][0]["bridge"], machine["networks"][0]["vlan_tag"]) == ("vmbr0", 30)


def test_dhcp_with_a_fixed_mac(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.dhcp_with_a_fixed_mac())
    assert site.machines[0]["networks"][0]["addresses"] == ["dhcp"]
    assert "gateway" not in site.machines[0]["networks"][0]
    assert site.derived["node_addresses"] == {"node-1": "10.0.0.11"}


def test_dhcp_without_a_mac_is_refused_for_a_master_on_the_network_of_the_vip(tmp_path: Path) -> None:
    shape = shapes.dhcp_with_a_fixed_mac()
    del shape.machines[0]["networks"][0]["mac"]
    assert "needs a fixed MAC address" in factory.problems_of(tmp_path, shape.machines, shape.data)[0]


def test_dhcp_on_the_network_of_the_cluster_is_refused_for_its_nodes_alone(tmp_path: Path) -> None:
    networks = [{"bridge": "vmbr0", "addresses": ["dhcp"], "mac": "bc:24:11:00:00:01"}]
    data = factory.site(cluster_network="vmbr0", networks=ONE_NETWORK, proxmox_hosts=HOSTS[:1])
    for role in ("control_plane", "worker"):
        rows = [flat(2), factory.machine(1, role, networks=networks)]
        found = factory.problems_of(tmp_path, rows, {**data, "allow_even_masters": True})
        assert len(found) == 1 and "node-1 has its address on vmbr0, which is cluster_network, from DHCP" in found[0]
    other = factory.machine(1, "bastion", networks=[{"bridge": "vmbr0", "addresses": ["dhcp"]}])
    assert factory.problems_of(tmp_path, [other], data) == []


def test_dns_that_is_not_ours(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.foreign_dns())
    assert site.derived["dns_records"] == []
    assert "k8s-api" in site.derived["certificate_names"]


def test_one_master_without_workers(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.one_master())
    assert site.derived["survives"]["guest"] is False
    assert any("There is no worker" in text for text in site.derived["warnings"])


def test_machines_without_a_cluster_need_no_vip(tmp_path: Path) -> None:
    changes = dict.fromkeys(("vip", "cluster_network", "pod_cidrs", "service_cidrs", "load_balancer_pool"))
    site = loaded(tmp_path, [flat(1, "bastion")], **changes)
    assert site.derived["survives"]["text"].startswith("No control-plane node")
    assert site.derived["certificate_names"] == []


def test_five_masters(tmp_path: Path) -> None:
    assert shaped(tmp_path, shapes.five_masters()).derived["survives"]["guest"] is True


def test_several_proxmox_hosts(tmp_path: Path) -> None:
    site = shaped(tmp_path, shapes.several_hosts())
    assert site.derived["survives"] == {
        "guest": True, "host": True, "text": "The control plane survives the loss of a guest, and of a Proxmox host.",
    }  # fmt: skip
    assert site.derived["proxmox_nodes"] == ["pve1", "pve2", "pve3"]


def test_two_masters_on_one_of_several_hosts_need_consent(tmp_path: Path) -> None:
    machines = [{**machine, "pve_node": node} for machine, node in zip(factory.cluster(3, 0), ("pve1", "pve2", "pve2"))]
    data = factory.site(proxmox_hosts=HOSTS)
    found = factory.problems_of(tmp_path, machines, data)
    assert len(found) == 1 and "row 3, pve_node: pve2 carries the control-plane node node-2 already" in found[0]
    allowed = loaded(tmp_path, machines, proxmox_hosts=HOSTS, allow_masters_on_one_host=True)
    assert allowed.derived["survives"]["host"] is False


def test_with_several_hosts_every_machine_says_where_it_runs(tmp_path: Path) -> None:
    found = factory.problems_of(tmp_path, factory.cluster(1, 0), factory.site(proxmox_hosts=HOSTS))
    assert "pve_node: is missing; say which Proxmox host carries it: pve1, pve2, pve3" in found[0]


def test_ipv6_beside_ipv4(tmp_path: Path) -> None:
    shape = shapes.ipv6_beside_ipv4()
    site = shaped(tmp_path, shape)
    first = site.machines[0]["networks"][0]
    assert first["addresses"] == ["192.168.0.11/24", "fd00:1::11/64"]
    assert (first["gateway"], first["gateway6"]) == ("192.168.0.1", "fe80::1")
    assert "fd00:1::11" in site.derived["certificate_names"]
    outside = copy.deepcopy(shape.machines)
    outside[0]["networks"][0]["addresses"][1] = "fd00:2::11"
    assert "fd00:2::11 is outside its network vmbr0" in factory.problems_of(tmp_path, outside, shape.data)[0]


@pytest.mark.parametrize("word", ["arm64", "aarch64"])
def test_arm64(tmp_path: Path, word: str) -> None:
    assert {machine["arch"] for machine in shaped(tmp_path, shapes.arm64(word)).machines} == {"aarch64"}


def test_mixed_architectures_are_said(tmp_path: Path) -> None:
    machines = factory.cluster(1, 1)
    machines[1]["arch"] = "arm64"
    assert any("several architectures" in text for text in loaded(tmp_path, machines).derived["warnings"])


def test_containers_are_machines_but_no_nodes(tmp_path: Path) -> None:
    site = loaded(tmp_path, [*factory.cluster(1, 1), factory.machine(3, "vault", kind="lxc")])
    assert site.machines[2]["kind"] == "lxc"
    found = factory.problems_of(tmp_path, [factory.machine(1, kind="lxc")])
    assert "kind: lxc cannot be a node of the cluster" in found[0]


def test_further_roles_are_words_of_the_site(tmp_path: Path) -> None:
    machines = [*factory.cluster(1, 1), factory.machine(3, "game_server")]
    assert "game_server is not a role" in factory.problems_of(tmp_path, machines)[0]
    assert loaded(tmp_path, machines, node_roles=["game_server"]).machines[2]["node_role"] == "game_server"


def test_defaults_fill_what_a_row_leaves_out(tmp_path: Path) -> None:
    defaults = {"template": "debian-13", "pool": "lab", "cpu_type": "host", "cores": 3, "memory_mb": 2048}
    row = factory.machine(1, cores=None, memory_mb=None, pool="own")
    machine = loaded(tmp_path, [row], guest_defaults=defaults).machines[0]
    assert (machine["template"], machine["pool"], machine["cores"], machine["memory_mb"]) == ("debian-13", "own", 3, 2048)


def test_a_later_site_file_wins_per_key(tmp_path: Path) -> None:
    factory.write(tmp_path, factory.cluster())
    (tmp_path / "over.yml").write_text("site_name: other\ndns: {servers: [192.168.0.9]}\n")
    site = factory.load_site(["tables/machines.yml"], ["group_vars/all/site.yml", "over.yml"], tmp_path)
    assert (site.data["site_name"], site.data["dns"]) == ("other", {"servers": ["192.168.0.9"]})


def dual(number: int, role: str = "control_plane", *addresses: str) -> dict[str, Any]:
    interface = {"bridge": "vmbr0", "addresses": [f"fd00::{10 + number}/64", f"192.168.0.{10 + number}/24"]}
    return factory.machine(number, role, networks=[interface])


def dual_site(**changes: Any) -> dict[str, Any]:
    networks = {"vmbr0": {**ONE_NETWORK["vmbr0"], "cidr6": "fd00::/64"}}
    overlays = {"pod_cidrs": ["10.244.0.0/16", "fd01::/56"], "service_cidrs": ["10.96.0.0/12", "fd02::/112"]}
    return factory.site(cluster_network="vmbr0", networks=networks, proxmox_hosts=HOSTS[:1], **{**overlays, **changes})


def test_a_node_of_a_dual_stack_cluster_has_addresses_in_the_order_of_the_services(tmp_path: Path) -> None:
    factory.write(tmp_path, [dual(1), dual(2, "worker")], dual_site())
    derived = factory.load(tmp_path).derived
    assert derived["node_ips"]["node-2"] == ["192.168.0.12", "fd00::12"]
    assert derived["node_addresses"]["node-2"] == "192.168.0.12"
    assert derived["cni_mtu"] == 9000 - 70  # a pod's one MTU has room for VXLAN between IPv6 addresses


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pod_cidrs": ["10.244.0.0/16"]}, "pod_cidrs: has other IP versions than service_cidrs; write IPv4 and IPv6"),
        ({"pod_cidrs": ["fd01::/56", "10.244.0.0/16"]}, "write IPv4 and IPv6, in this order"),
        ({"pod_cidrs": ["10.244.0.0/16", "10.245.0.0/16"]}, "pod_cidrs: has two networks of IPv4"),
        ({"pod_cidrs": ["10.244.0.0/16", "fd01::/64"]}, "has room for 1 of 2 nodes, as each gets a /64; write a network with /63"),
        ({"pod_cidrs": ["10.244.0.0/24", "fd01::/56"]}, "has room for 1 of 2 nodes, as each gets a /24; write a network with /23"),
    ],
)
def test_networks_of_pods_and_services_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    assert told in " ".join(factory.problems_of(tmp_path, [dual(1), dual(2, "worker")], dual_site(**changes)))


def test_a_node_without_an_address_of_each_version_is_refused(tmp_path: Path) -> None:
    found = factory.problems_of(tmp_path, [dual(1), flat(2, "worker")], dual_site())
    assert len(found) == 1 and "has no IPv6 address on vmbr0, which is cluster_network" in found[0]
