"""The inventory plugin, as Ansible runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[3]
SOURCE = {"plugin": "detectviz.infra.node_table", "path": "machines.yml", "site": "site.yml"}
SITE: dict[str, Any] = {
    "site_name": "test",
    "proxmox_hosts": [{"name": "proxmox", "address": "192.168.0.2", "cpu": 8}],
    "networks": {"vmbr0": {"cidr": "192.168.0.0/24", "gateway": "192.168.0.1"}},
    "vip": {"address": "192.168.0.10", "name": "k8s-api", "network": "vmbr0"},
    "cluster_network": "vmbr0",
    "pod_cidrs": ["10.244.0.0/16"],
    "service_cidrs": ["10.96.0.0/12"],
}
SIZES = {"cores": 2, "memory_mb": 2048, "disks": "20 GB"}
MACHINES: list[dict[str, Any]] = [
    {"name": "one", "vm_id": 101, "node_role": "control_plane", "ip": "192.168.0.11", **SIZES},
    {"name": "two", "vm_id": 102, "node_role": "worker", "ip": "192.168.0.12", **SIZES},
    {"name": "three", "vm_id": 103, "node_role": "vault", "kind": "lxc", "ip": "192.168.0.13", **SIZES},
]


@pytest.fixture(autouse=True)
def _go_on_after_a_failed_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's own default, whatever ansible.cfg is found where the tests run."""
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", False)


def inventory(folder: Path, machines: Any = None, **source: Any) -> InventoryManager:
    (folder / "machines.yml").write_text(yaml.safe_dump(MACHINES if machines is None else machines), encoding="utf-8")
    (folder / "site.yml").write_text(yaml.safe_dump(SITE), encoding="utf-8")
    path = folder / "test.node_table.yml"
    path.write_text(yaml.safe_dump({**SOURCE, **source}), encoding="utf-8")
    return InventoryManager(loader=DataLoader(), sources=[str(path)])


def names(manager: InventoryManager, group: str) -> list[str]:
    return sorted(host.name for host in manager.groups[group].get_hosts())


def test_machines_and_hosts_are_in_their_groups(tmp_path: Path) -> None:
    manager = inventory(tmp_path)
    assert {group: names(manager, group) for group in ("proxmox", "machines", "masters", "workers", "k8s_cluster")} == {
        "proxmox": ["proxmox-host"],
        "machines": ["one", "three", "two"],
        "masters": ["one"],
        "workers": ["two"],
        "k8s_cluster": ["one", "two"],
    }


def test_the_host_variables_have_the_shape_of_the_interface(tmp_path: Path) -> None:
    variables = inventory(tmp_path).hosts["one"].vars
    assert {key: variables[key] for key in variables if not key.startswith("inventory_")} == {
        "vm_id": 101,
        "kind": "vm",
        "pve_node": "proxmox",
        "node_role": "control_plane",
        "cores": 2,
        "memory_mb": 2048,
        "disks": [{"name": "system", "size_gb": 20}],
        "networks": [
            {"name": "eth0", "bridge": "vmbr0", "addresses": ["192.168.0.11/24"], "gateway": "192.168.0.1", "mtu": 1500}
        ],
        "labels": {},
        "taints": [],
        "ansible_host": "192.168.0.11",
    }


def test_a_proxmox_host_is_reached_at_its_address(tmp_path: Path) -> None:
    variables = inventory(tmp_path).hosts["proxmox-host"].vars
    assert (variables["ansible_host"], variables["pve_node"], variables["cpu"]) == ("192.168.0.2", "proxmox", 8)


def test_what_is_derived_stands_on_all(tmp_path: Path) -> None:
    manager = inventory(tmp_path)
    variables = {"value": manager.groups["all"].vars["site_derived"]}
    derived = Templar(loader=DataLoader(), variables=variables).template(variables["value"])
    assert derived["guest_ids"] == {"one": 101, "two": 102, "three": 103}
    assert derived["cni_mtu"] == 1450


def test_constructed_options_work(tmp_path: Path) -> None:
    manager = inventory(
        tmp_path,
        strict=True,
        compose={"double": "(cores | default(0)) * 2"},
        groups={"containers": "kind | default('') == 'lxc'"},
        keyed_groups=[{"key": "pve_node", "prefix": "on"}],
    )
    assert int(manager.hosts["one"].vars["double"]) == 4  # text on core 2.18, whose templates are not native
    assert names(manager, "containers") == ["three"]
    assert names(manager, "on_proxmox") == ["one", "proxmox-host", "three", "two"]


@pytest.mark.parametrize("change", [{"vm_id": 101}, {"ip": "192.168.0.300"}, {"name": "one"}, {"memory_mb": "x"}])
def test_a_wrong_table_adds_no_host_at_all(tmp_path: Path, change: dict[str, Any]) -> None:
    manager = inventory(tmp_path, [MACHINES[0], {**MACHINES[1], **change}, MACHINES[2]])
    assert not manager.hosts
    assert set(manager.groups) <= {"all", "ungrouped"}


def test_only_files_with_the_suffix_are_taken(tmp_path: Path) -> None:
    inventory(tmp_path)
    other = tmp_path / "other.yml"
    (tmp_path / "test.node_table.yml").rename(other)
    assert not InventoryManager(loader=DataLoader(), sources=[str(other)]).hosts


def test_a_cached_inventory_follows_every_edit(tmp_path: Path) -> None:
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    assert len(inventory(tmp_path, **options).hosts) == 4
    assert list((tmp_path / "cache").iterdir())
    again = inventory(tmp_path, **options)
    assert names(again, "machines") == ["one", "three", "two"]
    assert names(inventory(tmp_path, MACHINES[:2], **options), "machines") == ["one", "two"]


@pytest.mark.parametrize(("site", "count"), [("detectviz", 4), ("starter", 2), ("homelab", 18)])
def test_the_sites_of_the_project_load(site: str, count: int) -> None:
    path = ROOT / "inventory" / site / "site.node_table.yml"
    manager = InventoryManager(loader=DataLoader(), sources=[str(path)])
    assert len(names(manager, "machines")) == count


def test_its_templates_are_templates_beside_another_source_too(tmp_path: Path) -> None:
    other = tmp_path / "other" / "hosts.yml"
    other.parent.mkdir()
    other.write_text("all: {hosts: {elsewhere: {}}}\n")
    sources = [str(other), str(ROOT / "inventory/detectviz/site.node_table.yml")]
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=sources)
    variables = VariableManager(loader=loader, inventory=manager).get_vars(host=manager.get_host("master-1"))
    templar = Templar(loader=loader, variables=variables)
    assert "{{" not in templar.template(variables["ansible_ssh_common_args"])
    assert templar.template(variables["ansible_user"]) == "ubuntu"
