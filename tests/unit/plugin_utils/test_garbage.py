"""Whatever stands in the files: the own error comes out, or a whole and consistent site; never anything else."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import site_factory as factory
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAGE = (Path(__file__).parent / "tables" / "page.md").read_text(encoding="utf-8")
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["dhcp", "192.168.0.11/24", "10.0.0.300/24", "8 GB", "vmbr0", "-", "::1/128", "{{ x }}", "100~1", ""]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
keys = st.one_of(
    st.sampled_from(["name", "vm_id", "node_role", "cores", "memory", "memory_mb", "disks", "networks", "ip", "mac", "labels",
                     "taints", "kind", "pve_node", "tags", "arch", "mtu", "vlan_tag", "gateway", "storage"]),
    st.text(max_size=8),
)  # fmt: skip
defaults = st.dictionaries(
    st.sampled_from(["kind", "cores", "memory_mb", "sockets", "balloon_mb", "disks", "storage", "template", "arch"]),
    st.one_of(st.just("{{ x }}"), st.just(["{{ x }}"]), values),
    max_size=4,
)
interfaces = st.dictionaries(
    st.sampled_from(["name", "bridge", "network", "addresses", "gateway", "mtu", "vlan_tag", "mac", "firewall"]),
    values,
    max_size=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("garbage")


def own_error_or_whole_site(folder: Path, table: str, rows: int | None = None) -> None:
    """Loads; a site that comes out has all its rows, each whole, and is plain data."""
    try:
        site = factory.load(folder, table)
    except factory.SiteError as error:
        assert error.problems
        assert "\n" not in "".join(str(problem) for problem in error.problems)
        return
    assert site.machines and (rows is None or len(site.machines) == rows)
    for machine in site.machines:
        assert {"name", "vm_id", "kind", "node_role", "cores", "memory_mb", "disks", "networks"} <= machine.keys()
    assert set(site.derived["guest_ids"]) == {machine["name"] for machine in site.machines}
    json.dumps(site.as_dict())


@QUICK
@given(st.text(max_size=400), st.sampled_from([".yml", ".csv", ".md"]))
def test_any_text_as_a_table(folder: Path, text: str, suffix: str) -> None:
    factory.write(folder, [])
    (folder / f"table{suffix}").write_text(text, encoding="utf-8", errors="replace")
    own_error_or_whole_site(folder, f"table{suffix}")


@QUICK
@given(st.binary(max_size=400), st.sampled_from([".yml", ".csv", ".md"]))
def test_any_bytes_as_a_table(folder: Path, content: bytes, suffix: str) -> None:
    factory.write(folder, [])
    (folder / f"table{suffix}").write_bytes(content)
    own_error_or_whole_site(folder, f"table{suffix}")


@QUICK
@given(st.lists(st.dictionaries(keys, values, max_size=8), max_size=4))
def test_any_yaml_rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    factory.write(folder, yaml.dump({"machines": rows}, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", len(rows))


@QUICK
@given(keys, values, st.integers(0, 3))
def test_one_wild_value_in_a_right_table(folder: Path, key: str, value: Any, row: int) -> None:
    machines = factory.cluster()
    machines[row][key] = value
    factory.write(folder, yaml.dump({"machines": machines}, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", len(machines))


@QUICK
@given(st.sampled_from(["name", "vm_id", "template", "mac", "cores", "disks"]), st.integers(1000, 6000), st.booleans())
def test_an_integer_that_python_cannot_print(folder: Path, key: str, digits: int, default: bool) -> None:
    machines = factory.cluster()
    (machines[1] if not default else machines[1]["networks"][0])[key] = "HUGE"
    factory.write(folder, yaml.dump({"machines": machines}).replace("HUGE", f'!!int "0x{"f" * digits}"'))
    own_error_or_whole_site(folder, "tables/machines.yml", len(machines))


@QUICK
@given(st.lists(interfaces, max_size=3))
def test_any_interfaces(folder: Path, wild: list[dict[str, Any]]) -> None:
    machines = factory.cluster()
    machines[1]["networks"] = wild
    factory.write(folder, yaml.dump({"machines": machines}, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", len(machines))


@QUICK
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=8), max_size=5))
def test_any_csv_rows_under_a_right_header(folder: Path, rows: list[list[str]]) -> None:
    factory.write(folder, [])
    out = io.StringIO()
    csv.writer(out).writerows([["name", "vm_id", "role", "cpu", "memory", "disk", "ip", "tags"], *rows])
    (folder / "table.csv").write_text(out.getvalue(), encoding="utf-8", errors="replace")
    own_error_or_whole_site(folder, "table.csv")


@QUICK
@given(st.integers(0, len(PAGE)), st.integers(0, 40), st.text(max_size=10))
def test_a_page_with_any_passage_replaced(folder: Path, start: int, length: int, text: str) -> None:
    factory.write(
        folder,
        [],
        factory.site(
            networks=None, load_balancer_pool=None, vip={"address": "172.20.0.10", "name": "a", "network": "vmbr0"}
        ),
    )
    page = PAGE[:start] + text + PAGE[start + length :]
    (folder / "page.md").write_text(page, encoding="utf-8", errors="replace")
    own_error_or_whole_site(folder, "page.md")


@QUICK
@given(
    st.sampled_from(
        sorted([*factory.SITE, "guest_defaults", "templates", "ingress_address", "kubernetes_version", "node_roles"])
    ),
    values,
)
def test_any_value_of_a_key_of_the_site_data(folder: Path, key: str, value: Any) -> None:
    factory.write(folder, factory.cluster(), yaml.dump({**factory.SITE, key: value}, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", 4)


@QUICK
@given(st.one_of(st.just("{{ x }}"), defaults), st.sets(st.sampled_from(["cores", "memory_mb", "disks"])))
def test_any_defaults_of_machines(folder: Path, wild: Any, unsaid: set[str]) -> None:
    machines = [{key: value for key, value in row.items() if key not in unsaid} for row in factory.cluster()]
    hosts = [{**factory.SITE["proxmox_hosts"][0], "cpu": 8, "memory_mb": 65536, "storages": ["local-lvm"]}]
    site = factory.site(guest_defaults=wild, proxmox_hosts=hosts)
    factory.write(folder, machines, yaml.dump(site, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", 4)


@QUICK
@given(
    st.dictionaries(st.one_of(st.integers(), st.booleans(), st.none(), st.text(max_size=8)), st.just({"cidr": "10.1.0.0/16"})),
    st.sampled_from(["vmbr0", "vmbr9", "{{ x }}"]),
)
def test_networks_under_any_key(folder: Path, networks: dict[Any, Any], named: str) -> None:
    machines = factory.cluster()
    machines[1]["networks"][0]["bridge"] = named
    site = factory.site(networks={**factory.SITE["networks"], **networks}, dns={"zones": [{"name": "a", "network": named}]})
    factory.write(folder, machines, yaml.dump(site, allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", 4)


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["cidr", "cidr6", "gateway", "gateway6", "mtu", "bridge", "vlan_tag", "dhcp_ranges"]), values
    )
)
def test_any_network_of_the_site_data(folder: Path, network: dict[str, Any]) -> None:
    networks = {**factory.SITE["networks"], "vmbr0": network}
    factory.write(folder, factory.cluster(), yaml.dump(factory.site(networks=networks), allow_unicode=True))
    own_error_or_whole_site(folder, "tables/machines.yml", 4)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_as_site_data(folder: Path, content: bytes) -> None:
    factory.write(folder, factory.cluster())
    (folder / "group_vars" / "all" / "site.yml").write_bytes(content)
    own_error_or_whole_site(folder, "tables/machines.yml", 4)
