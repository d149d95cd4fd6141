"""The same machines come out of YAML, CSV and Markdown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import site_factory as factory

PAGE = Path(__file__).parent / "tables" / "page.md"
PAGE_SITE: dict[str, Any] = {
    "site_name": "page",
    "proxmox_hosts": [{"name": "proxmox", "address": "172.20.0.2"}],
    "vip": {"address": "172.20.0.10", "name": "k8s-api", "network": "vmbr0"},
    "cluster_network": "vmbr1",
    "dns": {"servers": ["172.20.0.2"], "zones": [{"name": "example.internal", "network": "vmbr0"}]},
    "pod_cidrs": ["10.244.0.0/16"],
    "service_cidrs": ["10.96.0.0/12"],
}


def page_site(folder: Path, text: str | None = None, **changes: Any) -> Any:
    factory.write(folder, [], {**PAGE_SITE, **changes})
    shutil.copy(PAGE, folder / "tables" / "page.md")
    if text is not None:
        (folder / "tables" / "page.md").write_text(text, encoding="utf-8")
    return factory.load(folder, "tables/page.md")


def test_a_page_gives_machines_sizes_ids_and_both_networks(tmp_path: Path) -> None:
    site = page_site(tmp_path)
    first, last = site.machines[0], site.machines[-1]
    assert [machine["vm_id"] for machine in site.machines] == [111, 112, 113, 114]
    assert (first["name"], first["node_role"], first["cores"], first["memory_mb"]) == ("cp-1", "control_plane", 4, 8192)
    assert first["networks"] == [
        {"name": "eth0", "bridge": "vmbr0", "addresses": ["172.20.0.11/24"], "mtu": 9000},
        {"name": "eth1", "bridge": "vmbr1", "addresses": ["172.21.0.11/24"], "mtu": 9000},
    ]
    assert (last["node_role"], last["memory_mb"]) == ("worker", 24576)
    assert last["disks"] == [{"name": "system", "size_gb": 100}, {"name": "data", "size_gb": 250}]


def test_a_page_may_show_the_proxmox_host_with_its_prefix(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").replace("| Proxmox | 172.20.0.2 |", "| Proxmox | 172.20.0.2/24 |")
    records = {(item["name"], item["value"]) for item in page_site(tmp_path, text).derived["dns_records"]}
    assert ("proxmox.example.internal", "172.20.0.2") in records


def test_rows_that_are_no_machines_become_records_and_other_tables_are_passed_over(tmp_path: Path) -> None:
    site = page_site(tmp_path)
    records = {(item["name"], item["value"]) for item in site.derived["dns_records"]}
    assert ("ipmi.example.internal", "172.20.0.4") in records
    assert ("k8s-api.example.internal", "172.20.0.10") in records
    passed = [note for note in site.notes if "passed over the table" in note]
    assert len(passed) == 3 and not any("ghost" in note for note in site.notes)


def test_the_site_data_wins_over_the_lines_of_a_page(tmp_path: Path) -> None:
    networks = {"vmbr0": {"cidr": "172.20.0.0/16", "gateway": "172.20.0.1"}, "vmbr1": {"cidr": "172.21.0.0/24"}}
    interface = page_site(tmp_path, networks=networks).machines[0]["networks"][0]
    assert interface["addresses"] == ["172.20.0.11/16"]
    assert (interface["gateway"], interface["mtu"]) == ("172.20.0.1", 1500)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("| cp-2 | 172.20.0.12 | 172.21.0.12", "| cp-2 | 172.20.0.99 | 172.21.0.12", "172.20.0.12 is 172.20.0.99 in tables/page.md row 33"),
        ("| VIP | 172.20.0.10", "| VIP | 172.20.0.9", "row 31, 外部 IP (vmbr0): 172.20.0.9 is not the VIP of the site data"),
        ("| Proxmox | 172.20.0.2", "| Proxmox | 172.20.0.3", "172.20.0.3 is not an address of proxmox"),
        ("| IPMI | 172.20.0.4", "| IPMI | 172.20.0.13", "172.20.0.13 is the address of ipmi"),
        ("111~114", "111~115", "111~115 holds 5 ids for 4 machines"),
        ("8 GB | 100 GB | API", "8 XB | 100 GB | API", "記憶體: 8 XB has the unknown unit XB"),
        ("| 4 cores |", "| four |", "row 17, CPU: four is not a number of cores"),
        ("| VM-2 | cp-2 |", "| VM-2 | cp-1 |", "Hostname: cp-1 is already the name"),
        ("| Application |", "| Aplicashun |", "Role: Aplicashun is not a role"),
        ("| VM-3 | cp-3 |", "| cp-3 |", "row 19: has 7 cells"),
    ],
)  # fmt: skip
def test_a_wrong_page_is_refused_by_line_and_column(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(factory.SiteError) as raised:
        page_site(tmp_path, text.replace(old, new, 1))
    assert expected in str(raised.value)


def test_a_page_without_machines_is_a_table_without_rows(tmp_path: Path) -> None:
    with pytest.raises(factory.SiteError, match="tables/page.md: is a table without rows"):
        page_site(tmp_path, "# Nothing here\n\n| Service | Port |\n|---|---|\n| a | 1 |\n")


CSV = """name,vm_id,Role,CPU,Memory,Disk,IP (vmbr0),IP (vmbr1),MAC (vmbr0),tags,notes
node-1,101,master,2,4 GB,40 GB,192.168.0.11,10.0.0.11,bc:24:11:00:00:01,"one, two","a note, quoted"
node-2,102,worker,2,4 GB,40 GB,192.168.0.12,10.0.0.12,,,
"""


def csv_site(folder: Path, text: str) -> Any:
    factory.write(folder, [])
    (folder / "tables" / "machines.csv").write_text(text, encoding="utf-8")
    return factory.load(folder, "tables/machines.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_as_spreadsheets_write_it(tmp_path: Path, delimiter: str) -> None:
    text = (
        CSV
        if delimiter == ","
        else CSV.replace('"one, two"', "one").replace('"a note, quoted"', "n").replace(",", delimiter)
    )
    site = csv_site(tmp_path, "\ufeff# a comment\n" + text)
    first = site.machines[0]
    assert (first["node_role"], first["memory_mb"], first["networks"][0]["mac"]) == (
        "control_plane",
        4096,
        "bc:24:11:00:00:01",
    )
    assert first["tags"] == (["one", "two"] if delimiter == "," else ["one"])
    assert site.machines[1]["networks"][1]["addresses"] == ["10.0.0.12/24"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("node-2,102", "node-2,101", "tables/machines.csv row 3, vm_id: 101 is the id of node-1"),
        ("192.168.0.12", "192.168.0.300", "row 3, IP (vmbr0): 192.168.0.300 is not an address"),
        ("IP (vmbr1)", "IP (vmbr7)", "row 2, IP (vmbr7): vmbr7 is not a bridge or network of the site"),
        ("Memory", "Memroy", "row 1, Memroy: is an unknown column; did you mean memory?"),
        ("node-2,102,worker", "node-2,102", "row 3: has 10 cells; the header names 11 columns"),
        ("name,vm_id", "vm_id,vm_id", "row 1, vm_id: is there twice"),
    ],
)
def test_a_wrong_csv_is_refused_by_row_and_column(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in CSV
    with pytest.raises(factory.SiteError) as raised:
        csv_site(tmp_path, CSV.replace(old, new, 1))
    assert expected in str(raised.value)


@pytest.mark.parametrize("text", ["", "\n\n", "name,vm_id\n", CSV.splitlines()[0], 'name,cpu\n"open'])
def test_a_csv_without_machines_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(factory.SiteError):
        csv_site(tmp_path, text)


def test_yaml_and_csv_give_the_same_machine(tmp_path: Path) -> None:
    from_csv = csv_site(tmp_path, CSV).machines[1]
    yaml_row = factory.machine(2, "worker", disks="40 GB", memory_mb=None, memory="4 GB")
    factory.write(tmp_path, [factory.machine(1), yaml_row])
    assert factory.load(tmp_path).machines[1] == from_csv


def test_a_mac_address_without_quotes_stays_a_mac_address(tmp_path: Path) -> None:
    factory.write(
        tmp_path,
        "- {name: a, vm_id: 101, cores: 1, memory: 1 GB, disks: 8 GB, ip: 192.168.0.11, mac: 52:54:00:12:34:56}",
    )
    assert factory.load(tmp_path).machines[0]["networks"][0]["mac"] == "52:54:00:12:34:56"


def test_several_tables_are_one_site(tmp_path: Path) -> None:
    factory.write(tmp_path, [factory.machine(1)])
    (tmp_path / "tables" / "more.csv").write_text(
        "name,vm_id,role,cpu,memory,disk,ip\nx,200,-,1,1 GB,8 GB,192.168.0.50\n"
    )
    site = factory.load_site(["tables/machines.yml", "tables/more.csv"], ["group_vars/all/site.yml"], tmp_path)
    assert [machine["name"] for machine in site.machines] == ["node-1", "x"]
    assert site.machines[1]["node_role"] == "other"
