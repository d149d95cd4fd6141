"""Sites of other shapes than the documented one are planned and rendered: the real playbook against the emulator.

That they pass the checks is in tests/unit/plugin_utils/test_topologies.py, with the same tables and data.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import ROOT, Emulator
from tests import site_shapes as shapes
from tests.emulated.planned_site import DNSMASQ, Planned, plan

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com"
TEMPLATE = "ubuntu-2204-template"

# Addresses of networks for documentation: a plan asks whether somebody near has an address of a new guest.
NOWHERE = {"192.168.0.": "203.0.113.", "10.0.0.": "198.51.100.", "fd00:1::": "2001:db8:1::", "192.168.1.": "203.0.113."}


def nowhere(folder: Path) -> None:
    for path in folder.rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for real, documented in NOWHERE.items():
            text = text.replace(real, documented)
        path.write_text(text, encoding="utf-8")


def with_templates(pve: Emulator, name: str = TEMPLATE) -> None:
    """A template of one name on each host, as hosts with local storage only have it."""
    for vm_id, row in enumerate(sorted(pve.api().nodes.get(), key=lambda row: row["node"]), start=9000):
        pve.lab("POST", "/lab/templates", {"vmid": vm_id, "name": name, "node": row["node"], "storage": "local-lvm"})


def planned(folder: Path, shape: shapes.Shape, arch: str = "", **data: Any) -> Planned:
    """A plan of the shape. Bridges that its hosts lack are planned, and its zones are rendered."""
    site_data = {
        **shape.data,
        "host_preparation": {"bridges": True},
        "host_bridges_rollback": False,  # no SSH to hosts that are on paper
        "guest_defaults": {"template": TEMPLATE, "user": "ubuntu", "ssh_keys": [KEY]},
        **data,
    }
    site = shapes.write(folder / "site", shape.machines, site_data)
    nowhere(site)
    with Emulator.start(folder / "pve", site=site, strict=True) as pve:
        with_templates(pve)
        if arch:
            pve.lab("PUT", "/lab/guests", {"vmid": 9000, "config": {"arch": arch}})
        done = plan(pve, site)
        assert not pve.broken_answers()
    return done


def assert_planned_and_rendered(done: Planned, names: list[str]) -> None:
    """All guests are planned new, nothing was written, and page and zones hold everything of the site."""
    assert done.code == 0, done.output
    assert (done.writes, done.moved) == ([], False)
    result = done.result
    assert [guest["name"] for guest in result["guests"]] == names
    assert result["summary"]["create"] == result["summary"]["start"] == len(names)
    assert [guest["operations"] for guest in result["guests"] if guest["operations"][0]["step"] != "clone"] == []
    assert len(done.saved["guests"]) == len(names)
    assert "plan: changes" in done.output or '"plan": "changes"' in done.output
    assert_page(done, result)
    assert_zones(done, result["derived"]["dns_records"])


def assert_page(done: Planned, result: dict[str, Any]) -> None:
    page = done.page
    words = [guest["name"] for guest in result["guests"]]
    words += [address for guest in result["guests"] for address in guest["addresses"]]
    words += [host["name"] for host in result["site"]["hosts"]]
    words += [network.get("bridge") or name for name, network in result["site"]["networks"].items()]
    words += ["○ planned", result["derived"]["survives"]["text"]]
    words += filter(None, [result["site"]["vip"].get("address")])
    assert [word for word in words if word not in page] == []


def assert_zones(done: Planned, records: list[dict[str, str]]) -> None:
    """Every record of the node table and no other, on each host. An installed dnsmasq has checked the file."""
    for lines in done.zones.values():
        shown = {line.removeprefix("host-record=") for line in lines if line.startswith("host-record=")}
        assert shown == {f"{record['name']},{record['value']}" for record in records}
        assert {f"local=/{record['zone']}/" for record in records} <= set(lines)


def test_one_nic_without_vmbr1(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.one_nic())
    assert_planned_and_rendered(done, ["node-1", "node-2"])
    assert done.card("node-1") == {"bridge": "vmbr0", "mtu": "1500"}
    assert done.options("node-1")["ipconfig0"] == "ip=203.0.113.11/24,gw=203.0.113.1"
    assert "net1" not in done.options("node-2") and "vmbr1" not in done.page


def test_a_vlan_tag(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.vlan_tag())
    assert_planned_and_rendered(done, ["node-1", "node-2", "node-3", "node-4"])
    for number in range(1, 5):
        card = done.card(f"node-{number}")
        assert (card["bridge"], card["tag"]) == ("vmbr0", "30")
        assert done.options(f"node-{number}")["ipconfig0"] == f"ip=203.0.113.1{number}/24,gw=203.0.113.1"
    assert done.zones == {}


def test_dhcp_with_a_fixed_mac(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.dhcp_with_a_fixed_mac())
    assert_planned_and_rendered(done, ["node-1"])
    assert "virtio=BC:24:11:00:00:01" in done.options("node-1")["net0"]
    assert done.options("node-1").get("ipconfig0", "ip=dhcp") == "ip=dhcp"
    assert "dhcp" in done.page
    names = [record["name"] for record in done.result["derived"]["dns_records"]]
    assert names == ["pve1.example.internal", "k8s-api.example.internal"]


def test_dns_that_is_not_ours(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.foreign_dns())
    assert_planned_and_rendered(done, [f"node-{number}" for number in range(1, 5)])
    assert done.options("node-1")["nameserver"] == "203.0.113.53"
    assert done.zones == {}


def test_one_master_without_workers(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.one_master())
    assert_planned_and_rendered(done, ["node-1"])
    assert done.result["bridges"] and "bridge vmbr1" in done.output
    assert [done.card("node-1", number)["bridge"] for number in (0, 1)] == ["vmbr0", "vmbr1"]
    assert "the loss of one stops the Kubernetes API" in done.page


def test_five_masters(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.five_masters())
    assert_planned_and_rendered(done, [f"node-{number}" for number in range(1, 7)])
    assert "survives the loss of a guest, not of the host" in done.page


def test_several_proxmox_hosts(tmp_path: Path) -> None:
    """Each guest is cloned from the template of its own host."""
    done = planned(tmp_path, shapes.several_hosts())
    assert_planned_and_rendered(done, [f"node-{number}" for number in range(1, 7)])
    assert [guest["node"] for guest in done.result["guests"]] == ["pve1", "pve2", "pve3"] * 2
    assert [done.options(f"node-{number}")["vm"] for number in range(1, 4)] == [
        f"full clone of {9000 + number}" for number in range(3)
    ]
    assert {row["node"] for row in done.result["bridges"]} == {"pve1", "pve2", "pve3"}
    assert sorted(done.zones) == ["pve1", "pve2", "pve3"]
    assert "and of a Proxmox host" in done.page


@pytest.fixture(scope="module")
def both_kinds(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return planned(tmp_path_factory.mktemp("ipv6"), shapes.ipv6_beside_ipv4())


def test_ipv6_beside_ipv4(both_kinds: Planned) -> None:
    done = both_kinds
    assert_planned_and_rendered(done, ["node-1", "node-2"])
    address = done.options("node-1")["ipconfig0"]
    assert dict(part.split("=") for part in address.split(",")) == {
        "ip": "203.0.113.11/24", "gw": "203.0.113.1", "ip6": "2001:db8:1::11/64", "gw6": "fe80::1",
    }  # fmt: skip
    assert "ip6" not in done.options("node-2")["ipconfig0"]
    records = done.zones["pve1"]
    assert "host-record=node-1.example.internal,203.0.113.11" in records
    assert "host-record=node-1.example.internal,2001:db8:1::11" in records


@pytest.mark.skipif(DNSMASQ is None, reason="the zones are tried by dnsmasq itself, which is not installed")
def test_dnsmasq_takes_records_of_both_kinds(both_kinds: Planned) -> None:
    file = both_kinds.folder / "rendered/zones-pve1.conf"
    done = subprocess.run([str(DNSMASQ), "--test", f"--conf-file={file}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "syntax check OK" in done.stderr, done.stderr


def test_arm64_from_a_template_of_that_architecture(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.arm64(), arch="aarch64")
    assert_planned_and_rendered(done, ["node-1", "node-2"])
    assert "arch" not in done.options("node-1"), "a token may not set it; the clone has it from its template"


def test_arm64_from_a_template_of_another_architecture_is_refused(tmp_path: Path) -> None:
    done = planned(tmp_path, shapes.arm64())
    assert done.code != 0 and (done.writes, done.moved) == ([], False)
    for number in (1, 2):
        refusal = f"node-{number} ({100 + number}): the table wants aarch64, its template or guest is x86_64; give"
        assert f"{refusal} a template of that architecture" in " ".join(done.output.split())


def test_an_arm64_template_that_a_token_may_not_make_is_refused_before_any_download(tmp_path: Path) -> None:
    image = {"url": "https://images.example.net/jammy-server-cloudimg-arm64.img", "checksum": "sha256:" + "ab" * 32}
    template = {"name": "ubuntu-arm", "vm_id": 9100, "node": "pve1", "arch": "aarch64", "image": image}
    done = planned(tmp_path, shapes.arm64(), templates=[{**template, "machine": "virt", "cloud_init_drive": "scsi2"}])
    assert done.code != 0 and (done.writes, done.moved) == ([], False)
    said = " ".join(done.output.split())
    assert "VM template ubuntu-arm (9100) on pve1: Proxmox lets only root@pam itself, with its password, set" in said


@pytest.fixture
def homelab(tmp_path: Path) -> Iterator[Planned]:
    """The inventory as it is, on the three emulated hosts that it names."""
    site = shutil.copytree(ROOT / "inventory/homelab", tmp_path / "site")
    with Emulator.start(tmp_path / "pve", site=site, strict=True) as pve:
        with_templates(pve, "ubuntu-2404-template")
        for pool in ("web-proxy", "kubernetes"):
            pve.api().pools.post(poolid=pool)
        yield plan(pve, site)


def test_the_homelab(homelab: Planned) -> None:
    names = [f"haproxy-{number}" for number in range(1, 4)]
    names += [f"master-{number}" for number in range(1, 4)] + [f"worker-{number}" for number in range(1, 7)]
    assert_planned_and_rendered(homelab, names)
    assert [guest["node"] for guest in homelab.result["guests"]] == ["pve-s1", "pve-s2", "pve-s3"] * 4
    assert homelab.card("master-1") == {"bridge": "vmbr0", "mtu": "1500", "tag": "10"}
    assert homelab.options("worker-6")["ipconfig0"] == "ip=10.3.1.56/24,gw=10.3.1.1"
    assert homelab.options("worker-6")["scsi0 size"] == "60G"
    assert "ct01002" in homelab.output and "containers are not made yet, only virtual machines" in homelab.output
    assert "ct01007" in homelab.page and "10.3.1.254" in homelab.page


def test_the_starter_filled_in_by_a_user(tmp_path: Path) -> None:
    """Only the template, the key and the addresses are written; the rest is as it was copied."""
    site = shutil.copytree(ROOT / "inventory/starter", tmp_path / "site")
    file = site / "group_vars/all/site.yml"
    text = file.read_text(encoding="utf-8").replace('template: ""', f"template: {TEMPLATE}")
    file.write_text(text.replace("ssh_keys: []", f"ssh_keys: [{KEY}]"), encoding="utf-8")
    nowhere(site)
    with Emulator.start(tmp_path / "pve", site=site, strict=True) as pve:
        with_templates(pve)
        done = plan(pve, site)
    assert_planned_and_rendered(done, ["node-1", "node-2"])
    assert done.card("node-1") == {"bridge": "vmbr0", "mtu": "1500"}
    assert done.options("node-2")["ipconfig0"] == "ip=203.0.113.62/24,gw=203.0.113.1"
    assert done.options("node-2")["scsi1"].startswith("local-lvm:100") and done.options("node-2")["ciuser"] == "ubuntu"
    assert done.zones == {}
