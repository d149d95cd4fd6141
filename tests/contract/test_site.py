"""Emulators that look like a site: hosts, storages and the management bridge of its data."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.pve.process import ROOT
from lab.pve.profiles import load_profile
from lab.pve.site import default_layout, site_layout

pytestmark = pytest.mark.emulator_only("it is about how an emulator is set up")

PROFILE = load_profile("lvmthin")


def site(folder: Path, **data: object) -> Path:
    file = folder / "group_vars" / "all" / "site.yml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(data))
    return folder


def storages(layout):
    return {storage["storage"]: storage for storage in layout.storages}


def test_without_a_site_one_plain_host():
    layout = default_layout(1, PROFILE)
    assert [node["name"] for node in layout.nodes] == ["pve"]
    assert set(storages(layout)) == {"local", "local-lvm"}


@pytest.mark.parametrize("name", ["detectviz", "starter", "homelab"])
def test_the_sites_of_this_project(name):
    layout = site_layout(ROOT / "inventory" / name, PROFILE)
    data = yaml.safe_load((ROOT / "inventory" / name / "group_vars/all/site.yml").read_text())
    assert [node["name"] for node in layout.nodes] == [host["name"] for host in data["proxmox_hosts"]]
    assert layout.bridge["iface"] == "vmbr0"
    assert any("images" in storage["content"] for storage in layout.storages)


def test_a_storage_named_by_several_hosts_is_one_storage(tmp_path):
    layout = site_layout(site(tmp_path, site_name="s", proxmox_hosts=[
        {"name": "a", "address": "10.0.0.1",
         "storages": ["local", {"name": "fast", "type": "zfspool", "size_gb": 500}]},
        {"name": "b", "address": "10.0.0.2/24", "storages": ["local", {"name": "nas", "type": "nfs"}]},
    ]), PROFILE)
    found = storages(layout)
    assert found["local"]["nodes"] is None
    assert (found["fast"]["nodes"], found["fast"]["shared"], found["fast"]["size_gb"]) == (["a"], 0, 500)
    assert (found["nas"]["nodes"], found["nas"]["shared"]) == (["b"], 1)
    assert layout.cluster == "s"
    assert layout.nodes[1]["address"] == "10.0.0.2"


def test_a_folder_that_is_no_site_says_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match="proxmox_hosts"):
        site_layout(tmp_path, PROFILE)


def test_an_emulator_of_the_documented_site(make_pve):
    pve = make_pve(site=ROOT / "inventory" / "detectviz")
    assert pve.connection["node"] == "proxmox"
    resources = pve.call("GET", "/cluster/resources").json()["data"]
    assert {entry["storage"] for entry in resources if entry["type"] == "storage"} == {"nvme-vm", "local", "local-lvm"}
    (node,) = [entry for entry in resources if entry["type"] == "node"]
    assert (node["node"], node["maxcpu"], node["maxmem"]) == ("proxmox", 28, 64 * 1024**3)
    assert [entry for entry in resources if entry["type"] == "qemu"] == []


def test_with_a_template(make_pve):
    pve = make_pve(with_template=True)
    config = pve.call("GET", f"/nodes/{pve.connection['node']}/qemu/9000/config").json()["data"]
    assert config["template"] == 1


def test_two_emulators_do_not_share_a_folder(make_pve):
    from lab.pve.process import Emulator

    pve = make_pve()
    second = Emulator(pve.folder, **pve.options)
    before = pve.connection
    with pytest.raises(RuntimeError, match="another emulator runs on"):
        second.run()
    assert pve.connection == before
