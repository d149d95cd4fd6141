"""Every way in which a site can be wrong is found, with its place, its value and what was expected."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import site_factory as factory
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

Machines = list[dict[str, Any]]
TABLE = "tables/machines.yml"
SITE_FILE = "group_vars/all/site.yml"


def change(path: str, value: Any) -> Callable[[Machines], None]:
    """Set ``3.networks.0.mac`` of the machines (rows from 0) to a value; None deletes the key."""

    def apply(machines: Machines) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        target: Any = machines
        for part in parents:
            target = target[part]
        if value is None:
            del target[last]
        else:
            target[last] = value

    return apply


WRONG_ROWS = [
    ("1.name", "node-1", "row 2, name: node-1 is already the name"),
    ("1.name", "pve1", "row 2, name: pve1 is the name of a Proxmox host"),
    ("1.name", "Node_2", "row 2, name: Node_2 is not a host name"),
    ("1.name", None, "row 2, name: is missing"),
    ("1.vm_id", 101, "row 2, vm_id: 101 is the id of node-1"),
    ("1.vm_id", "abc", "row 2, vm_id: abc is not a whole number"),
    ("1.vm_id", 99, "row 2, vm_id: 99 is not between 100 and 999999999"),
    ("1.vm_id", None, "row 2, vm_id: is missing"),
    ("1.cores", "many", "row 2, cores: many is not a number of cores"),
    ("1.memory_mb", "8 XB", "row 2, memory_mb: 8 XB has the unknown unit XB"),
    ("1.memory", "8 GB", "row 2, memory: 8 GB stands beside memory_mb"),
    ("1.disks", "100", "row 2, disks: 100 has no unit"),
    ("1.disks", "100 QB", "row 2, disks: 100 QB has the unknown unit QB"),
    ("1.disks", [{"name": "system", "size_gb": "big"}], "row 2, disks[0].size_gb: big is not an amount"),
    ("1.disks", [{"name": "a", "size_gb": 1}, {"name": "a", "size_gb": 1}], "row 2, disks: a names two disks"),
    ("1.disks", [], "row 2, disks: has no entry"),
    ("1.node_role", "wizard", "row 2, node_role: wizard is not a role"),
    ("1.node_role", "contrl_plane", "did you mean control_plane?"),
    ("1.kind", "jail", "row 2, kind: jail is not one of the choices"),
    ("1.pve_node", "pve9", "row 2, pve_node: pve9 is not a Proxmox host of the site"),
    ("1.colour", "blue", "row 2, colour: is an unknown key"),
    ("1.networks.0.bridge", "vmbr9", "row 2, networks[0].bridge: vmbr9 is not a bridge or network of the site"),
    ("1.networks.0.bridge", ["vmbr0"], "row 2, networks[0].bridge"),
    ("1.networks.0.vlan_tag", 30, "row 2, networks[0].vlan_tag: 30 is no VLAN of the bridge vmbr0"),
    ("1.networks.0.vlan_tag", "x", "row 2, networks[0].vlan_tag: x is not a whole number"),
    ("1.networks.0.mtu", 9001, "row 2, networks[0].mtu: 9001 is more than its network carries (9000)"),
    ("1.networks.0.mac", "01:00:5e:00:00:01", "row 2, networks[0].mac: 01:00:5e:00:00:01 is a multicast address"),
    ("1.networks.0.mac", "bc:24:11", "row 2, networks[0].mac: bc:24:11 is not a MAC address"),
    ("1.networks.0.gateway", "10.9.9.9", "row 2, networks[0].gateway: 10.9.9.9 is outside its network"),
    ("1.networks.1.gateway", "10.0.0.300", "row 2, networks[1].gateway: 10.0.0.300 is not an IPv4 address"),
    ("1.networks.0.colour", 1, "row 2, networks[0].colour: is an unknown key"),
    ("1.networks", "vmbr0", "row 2, networks: vmbr0 is not a list"),
    ("1.networks", None, "row 2, networks: is missing"),
    ("1.taints", ["x"], "row 2, taints"),
    ("1.labels", 5, "row 2, labels"),
    ("1.description", "{{ lookup('pipe', 'id') }}", "looks like a template"),
]
WRONG_ADDRESSES = [
    ("10.0.0.300/24", "10.0.0.300/24 is not an address; write an IPv4 or IPv6 address with a prefix, or dhcp"),
    ("10.9.9.9/24", "10.9.9.9 is outside its network vmbr0"),
    ("192.168.0.12/16", "192.168.0.12/16 has another prefix than its network vmbr0; write /24"),
    ("192.168.0.0/24", "192.168.0.0 is the network or broadcast address"),
    ("192.168.0.255/24", "192.168.0.255 is the network or broadcast address"),
    ("192.168.0.11/24", "192.168.0.11 is the address of node-1"),
    ("192.168.0.10/24", "192.168.0.10 is the VIP"),
    ("192.168.0.1/24", "192.168.0.1 is the gateway of vmbr0"),
    ("192.168.0.2/24", "192.168.0.2 is the Proxmox host pve1"),
    ("192.168.0.120/24", "192.168.0.120 is inside the DHCP range of vmbr0"),
    ("192.168.0.205/24", "192.168.0.205 is inside the load-balancer range"),
]


@pytest.mark.parametrize(("path", "value", "expected"), WRONG_ROWS)
def test_a_wrong_row_is_found(tmp_path: Path, path: str, value: Any, expected: str) -> None:
    machines = factory.cluster()
    change(path, value)(machines)
    found = factory.problems_of(tmp_path, machines)
    assert any(text.startswith(f"{TABLE} row 2") and expected in text for text in found), found


@pytest.mark.parametrize(("address", "expected"), WRONG_ADDRESSES)
def test_a_wrong_address_is_found(tmp_path: Path, address: str, expected: str) -> None:
    machines = factory.cluster()
    machines[1]["networks"][0]["addresses"] = [address]
    found = factory.problems_of(tmp_path, machines)
    assert any(text.startswith(f"{TABLE} row 2, networks[0].addresses: {expected}") for text in found), found


def test_the_same_mac_twice_is_found(tmp_path: Path) -> None:
    machines = factory.cluster()
    machines[0]["networks"][0]["mac"] = "BC:24:11:00:00:01"
    machines[3]["networks"][1]["mac"] = "bc-24-11-00-00-01"
    found = factory.problems_of(tmp_path, machines)
    assert (
        len(found) == 1
        and f"{TABLE} row 4, networks[1].mac: bc:24:11:00:00:01 is the MAC address of node-1" in found[0]
    )


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    machines = factory.cluster()
    change("0.vm_id", "abc")(machines)
    change("1.memory_mb", "lots")(machines)
    change("2.networks.0.bridge", "vmbr9")(machines)
    change("3.node_role", "wizard")(machines)
    found = factory.problems_of(tmp_path, machines, factory.site(kubernetes_version="1.32"))
    assert len(found) == 5, found


WRONG_SITES: list[tuple[dict[str, Any], str]] = [
    ({"site_name": None}, "site_name: is missing"),
    ({"site_name": "My Site"}, "site_name: My Site is not valid"),
    ({"proxmox_hosts": []}, "proxmox_hosts: [] has no entry"),
    ({"networks": None}, "networks: is missing"),
    (
        {"networks": {"vmbr0": {"cidr": "192.168.0.0/33"}, "vmbr1": {"cidr": "10.0.0.0/24"}}},
        "networks.vmbr0.cidr: 192.168.0.0/33",
    ),
    ({"networks": {"vmbr0": {"cidr": "192.168.0.0/24", "mtu": "big"}}}, "networks.vmbr0.mtu: big has the wrong type"),
    (
        {"networks": {"vmbr0": {"cidr": "192.168.0.0/24", "gatway": "x"}}},
        "networks.vmbr0.gatway: is an unknown key; did you mean gateway?",
    ),
    (
        {"networks": {"vmbr0": {"cidr": "192.168.0.0/16"}, "vmbr1": {"cidr": "192.168.1.0/24"}}},
        "networks.vmbr1: 192.168.1.0/24 overlaps 192.168.0.0/16 of vmbr0",
    ),
    ({"vip": None}, "vip: is missing; a cluster needs it"),
    ({"vip": {**factory.SITE["vip"], "address": "10.0.0.10"}}, "vip.address: 10.0.0.10 is outside its network vmbr0"),
    ({"vip": {**factory.SITE["vip"], "address": "192.168.0.1"}}, "vip.address: 192.168.0.1 is the gateway of vmbr0"),
    ({"vip": {**factory.SITE["vip"], "address": "192.168.0.2"}}, "vip.address: 192.168.0.2 is the Proxmox host pve1"),
    (
        {"vip": {**factory.SITE["vip"], "address": "FD00::0:0:A"}},
        "vip.address: FD00::0:0:A is spelt in an unusual way; write fd00::a",
    ),
    (
        {"vip": {**factory.SITE["vip"], "address": "192.168.0.110"}},
        "vip.address: 192.168.0.110 is inside the DHCP range",
    ),
    (
        {"vip": {**factory.SITE["vip"], "address": "192.168.0.210"}},
        "load_balancer_pool[0]: 192.168.0.200-192.168.0.220 holds 192.168.0.210, the VIP",
    ),
    ({"vip": {**factory.SITE["vip"], "network": "vmbr7"}}, "vip.network: vmbr7 is not a network of the site"),
    ({"cluster_network": "vmbr7"}, "cluster_network: vmbr7 is not a network of the site"),
    (
        {"load_balancer_pool": ["192.168.0.140-192.168.0.160"]},
        "load_balancer_pool[0]: 192.168.0.140-192.168.0.160 overlaps the DHCP range",
    ),
    ({"load_balancer_pool": ["172.16.0.1-172.16.0.9"]}, "is in no network of the site"),
    ({"load_balancer_pool": ["192.168.0.220-192.168.0.200"]}, "is not a range of addresses"),
    ({"ingress_address": "192.168.0.77"}, "ingress_address: 192.168.0.77 is in no load-balancer range"),
    ({"pod_cidrs": ["192.168.0.0/16"]}, "pod_cidrs[0]: 192.168.0.0/16 overlaps 192.168.0.0/24 of vmbr0"),
    (
        {"service_cidrs": ["10.244.128.0/20"]},
        "service_cidrs[0]: 10.244.128.0/20 overlaps 10.244.0.0/16 of pod_cidrs[0]",
    ),
    ({"pod_cidrs": ["10.0.0.128/25"]}, "pod_cidrs[0]: 10.0.0.128/25 overlaps 10.0.0.0/24 of vmbr1"),
    ({"service_cidrs": ["10.0.0.0/12"]}, "service_cidrs[0]: 10.0.0.0/12 overlaps 10.0.0.0/24 of vmbr1"),
    ({"service_cidrs": ["192.168.0.8/29"]}, "service_cidrs[0]: 192.168.0.8/29 overlaps 192.168.0.0/24 of vmbr0"),
    ({"pod_cidrs": None}, "pod_cidrs: is missing"),
    ({"kubernetes_version": "1.34"}, "kubernetes_version: 1.34 is past its end of life, 2026-10-27; write 1.36 or 1.35"),
    ({"kubernetes_version": "1.99"}, "kubernetes_version: 1.99 is unknown to this release"),
    ({"kubernetes_version": 1.36}, "kubernetes_version: 1.36 has the wrong type"),
    ({"calico_version": "v3.27.3"}, "calico_version: v3.27.3 is past its end of life"),
    ({"kube_vip_version": "v0.7.1"}, "kube_vip_version: v0.7.1 is past its end of life"),
    ({"kube_proxy_mode": "ipvs"}, "kube_proxy_mode: ipvs is not one of the choices; write iptables or nftables"),
    ({"proxmox_api_password": "hunter2"}, "proxmox_api_password: is a literal secret"),
    ({"cluster_network": "{{ x }}"}, "cluster_network: {{ x }} is"),
    ({"dns": {"zones": [{"name": "a.internal", "network": "vmbr7"}]}}, "dns.zones[0].network: vmbr7 is not a network"),
    ({"dns": {"servers": ["1.2.3"]}}, "dns.servers[0]: 1.2.3 is not an address"),
    ({"dns": {"extra_records": [{"name": "a..b"}]}}, "dns.extra_records[0].name: a..b is not valid; name, alone or with"),
    (
        {"proxmox_hosts": [{"name": "pve1", "address": "192.168.0.2/24"}]},
        "proxmox_hosts[0].address: 192.168.0.2/24 has a prefix; write the address alone",
    ),
    (
        {"proxmox_hosts": [{"name": "pve1", "address": "192.168.0.2", "addresses": {"vmbr1": "10.0.0.2/24"}}]},
        "proxmox_hosts[0].addresses.vmbr1: 10.0.0.2/24 has a prefix; write the address alone",
    ),
    (
        {"networks": {100: {"cidr": "192.168.0.0/24"}}},
        "networks: 100 has the wrong type; write a name of up to 15 letters",
    ),
    (
        {"templates": [{"name": "debian"}]},
        "templates[0]: has neither vm_id nor nodes; write vm_id (id on Proxmox) or nodes (on a cluster one id per node",
    ),
    (
        {"templates": [{"name": "debian", "nodes": {"pve1": "abc"}}]},
        "templates[0].nodes.pve1: abc has the wrong type; write an id from 100",
    ),
    (
        {"templates": [{"name": "debian", "nodes": {"pve1": 99}}]},
        "templates[0].nodes.pve1: 99 is not valid; write an id from 100",
    ),
    (
        {"templates": [{"name": "debian", "nodes": {}}]},
        "templates[0].nodes: a mapping is not valid; on a cluster one id per node, such as {pve1: 9001, pve2: 9002}",
    ),
    (
        {"templates": [{"name": "debian", "vm_id": 9000, "strage": "local-lvm"}]},
        "templates[0].strage: is an unknown key; did you mean storage?",
    ),
    (
        {"templates": [{"name": "debian", "vm_id": 9000, "image": {"url": "https://example.org/debian.qcow2"}}]},
        "templates[0].image.checksum: is missing",
    ),
    *(
        ({"guest_defaults": {key: "{{ x }}"}}, f"guest_defaults.{key}: {{{{ x }}}} is a template; write the value itself")
        for key in ("kind", "cores", "sockets", "memory_mb", "balloon_mb", "disks")
    ),
    ({"guest_defaults": "{{ x }}"}, "guest_defaults: {{ x }} is a template; write the value itself"),
    ({"guest_defaults": {"disks": ["{{ x }}"]}}, "guest_defaults.disks[0]: {{ x }} is a template"),
]
RIGHT_SITES: list[dict[str, Any]] = [
    {"templates": [{"name": "debian", "nodes": {"pve1": 9001, "pve2": 9002}}]},
    {"templates": [{"name": "debian", "vm_id": 9000, "nodes": {"pve1": 9001}}]},
    {"templates": [{"name": "debian", "vm_id": "{{ x }}", "image": "debian-12", "storage": "{{ x }}"}]},
    {"templates": "{{ x }}"},
    {"guest_defaults": {"template": "{{ x }}", "storage": "{{ x }}", "on_boot": "{{ x }}", "tags": "{{ x }}"}},
    {"dns": {"extra_records": [{"name": "argocd", "address": "192.168.0.9"}, {"name": "vault.example.net"}]}},
]


@pytest.mark.parametrize("changes", RIGHT_SITES)
def test_right_site_data_passes(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert factory.problems_of(tmp_path, factory.cluster(), factory.site(**changes)) == []


@pytest.mark.parametrize(("changes", "expected"), WRONG_SITES)
def test_wrong_site_data_is_found(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    found = factory.problems_of(tmp_path, factory.cluster(), factory.site(**changes))
    assert any(expected in text for text in found), found
    assert "hunter2" not in "".join(found)


prefixes = st.builds(
    lambda start, length: ipaddress.ip_network((start, length), strict=False),
    st.sampled_from(["10.0.0.0", "10.96.0.0", "10.244.0.0", "192.168.0.0"]).flatmap(
        lambda text: st.integers(0, 2**18).map(lambda more: ipaddress.ip_address(text) + more)
    ),
    st.integers(8, 28),
)


@with_settings(max_examples=60, deadline=None)
@given(prefixes, prefixes)
def test_networks_of_pods_and_services_are_refused_exactly_where_they_meet_others(
    pods: ipaddress.IPv4Network, services: ipaddress.IPv4Network
) -> None:
    site = factory.site(pod_cidrs=[str(pods)], service_cidrs=[str(services)])
    networks = [ipaddress.ip_network(network["cidr"]) for network in site["networks"].values()]
    with TemporaryDirectory() as folder:
        found = [text for text in factory.problems_of(Path(folder), factory.cluster(), site) if "overlaps" in text]
    for key, prefix, others in (("pod_cidrs", pods, networks), ("service_cidrs", services, [*networks, pods])):
        told = any(f"{key}[0]: {prefix} overlaps" in text for text in found)
        assert told == any(prefix.overlaps(other) for other in others), found


@pytest.mark.parametrize("count", [2, 4])
def test_an_even_number_of_masters_needs_consent(tmp_path: Path, count: int) -> None:
    machines = factory.cluster(count, 1)
    found = factory.problems_of(tmp_path, machines)
    assert len(found) == 1 and f"row {count}, node_role: makes {count} control-plane nodes" in found[0]
    assert factory.problems_of(tmp_path, machines, factory.site(allow_even_masters=True)) == []


def test_seven_masters_are_refused(tmp_path: Path) -> None:
    assert "makes 7 control-plane nodes" in factory.problems_of(tmp_path, factory.cluster(7, 0))[0]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", "holds no list of machines"),
        ("machines: []", "is a table without rows"),
        ("[]", "is a table without rows"),
        ("- 1", "row 1: 1 is not a machine"),
        ("machines: {a: b}", "holds no list of machines"),
        ("machines: [", "is not valid YAML"),
        ("[" * 100_000, "is nested deeper"),
        ("&a [*a]", "endless"),
        ("machines:\n  - {name: a, name: b}", "the key name is written twice"),
        ("machines: []\nextra: 1", "extra: is an unknown key"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, table: str, expected: str) -> None:
    found = factory.problems_of(tmp_path, table)
    assert any(expected in text for text in found), found


def test_missing_and_unreadable_files_are_told(tmp_path: Path) -> None:
    factory.write(tmp_path, factory.cluster())
    (tmp_path / "tables" / "machines.yml").unlink()
    (tmp_path / "group_vars" / "all" / "site.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(factory.SiteError) as raised:
        factory.load(tmp_path)
    text = str(raised.value)
    assert f"{TABLE}: does not exist" in text and f"{SITE_FILE}: is not UTF-8 text" in text


def test_a_guest_larger_than_its_host_is_refused(tmp_path: Path) -> None:
    hosts = copy.deepcopy(factory.SITE["proxmox_hosts"])
    hosts[0].update(cpu=4, memory_mb=8192, storages=["local-lvm"])
    machines = factory.cluster(1, 1)
    machines[0].update(cores=8)
    machines[1].update(memory_mb=16384, disks=[{"name": "system", "size_gb": 10, "storage": "ceph"}])
    found = "\n".join(factory.problems_of(tmp_path, machines, factory.site(proxmox_hosts=hosts)))
    assert "cores: 8 is more than pve1 has (4)" in found
    assert "memory_mb: 16384 MiB is more than pve1 has (8192 MiB)" in found
    assert "disks[0].storage: ceph is not a storage of pve1" in found


def test_unsupported_versions_are_accepted_when_told(tmp_path: Path) -> None:
    data = factory.site(kubernetes_version="1.34", allow_unsupported_versions=True)
    factory.write(tmp_path, factory.cluster(), data)
    assert any("1.34" in text for text in factory.load(tmp_path).derived["warnings"])


@pytest.mark.parametrize("version", ["1.36", "1.36.3", "v1.36.3", "1.35"])
def test_supported_kubernetes_versions_pass(tmp_path: Path, version: str) -> None:
    assert factory.problems_of(tmp_path, factory.cluster(), factory.site(kubernetes_version=version)) == []


def test_a_secret_by_reference_passes(tmp_path: Path) -> None:
    data = factory.site(proxmox_api_password="{{ lookup('ansible.builtin.env', 'PROXMOX_PASSWORD') }}")
    assert factory.problems_of(tmp_path, factory.cluster(), data) == []


def test_ssh_keys_may_come_from_a_template(tmp_path: Path) -> None:
    data = factory.site(guest_defaults={"ssh_keys": "{{ [lookup('ansible.builtin.file', 'key.pub')] }}"})
    assert factory.problems_of(tmp_path, factory.cluster(), data) == []


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAA"
RIGHT_KEYS = [
    KEY, f"{KEY} me@example.com", f'from="192.168.0.0/24",no-pty {KEY} me', f"{KEY}\n\nssh-rsa AAAAB3Nz== two\n",
    "ecdsa-sha2-nistp256 AAAAE2Vj", "sk-ssh-ed25519@openssh.com AAAAGnNr me",
]  # fmt: skip
WRONG_KEYS = ["~/.ssh/id_ed25519.pub", "AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519", f"{KEY}\n~/.ssh/id_rsa.pub"]


@pytest.mark.parametrize("key", [*RIGHT_KEYS, "{{ lookup('ansible.builtin.file', 'key.pub') }}"])
def test_public_ssh_keys_and_templates_of_them_pass(tmp_path: Path, key: str) -> None:
    rows = factory.cluster()
    if key in RIGHT_KEYS:
        rows[0]["ssh_keys"] = [key]
    assert factory.problems_of(tmp_path, rows, factory.site(guest_defaults={"ssh_keys": [key]})) == []


@pytest.mark.parametrize("key", WRONG_KEYS)
def test_what_is_no_public_ssh_key_is_told_with_the_way_to_read_a_file(tmp_path: Path, key: str) -> None:
    rows = factory.cluster()
    rows[0]["ssh_keys"] = [key]
    found = factory.problems_of(tmp_path, rows, factory.site(guest_defaults={"ssh_keys": [KEY, key]}))
    assert len(found) == 2 and all("is not a public SSH key" in text and "lookup(" in text for text in found), found
    assert any(text.startswith(f"{SITE_FILE}, guest_defaults.ssh_keys[1]: ") for text in found)
    assert any(text.startswith(f"{TABLE} row 1, ssh_keys: ") for text in found)


def test_a_private_ssh_key_is_told_and_never_shown(tmp_path: Path) -> None:
    private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----"
    rows = factory.cluster()
    rows[0]["ssh_keys"] = [private]
    found = factory.problems_of(tmp_path, rows, factory.site(guest_defaults={"ssh_keys": [private]}))
    assert [text.split(";")[0].split(": ")[1] for text in found] == ["is a literal secret", "holds a private key"]
    assert "b3Blbn" not in str(found) and "BEGIN" not in str(found)
