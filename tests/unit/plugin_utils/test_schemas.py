"""The schemas that editors use say the same as the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import site_factory as factory
import yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils import columns, load, site_data

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "plugins" / "plugin_utils" / "schemas"
NODE_TABLE = json.loads((SCHEMAS / "node_table.schema.json").read_text(encoding="utf-8"))
SITES = ["detectviz", "homelab", "starter"]


def test_both_are_schemas() -> None:
    for schema in (NODE_TABLE, site_data.schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_key_of_the_node_table_is_a_column_and_the_other_way_round() -> None:
    keys = set(NODE_TABLE["$defs"]["machine"]["properties"])
    assert {columns.canonical_key(key) for key in keys} == keys
    readable = {columns.canonical_key(key.replace("_", " ")) for key in keys} | {"node"}
    known = set(columns.OPTIONAL_KEYS) | set(columns._WRITTEN)  # the one list of columns
    assert known - readable == set()


def test_a_template_of_the_site_has_the_keys_that_the_role_reads() -> None:
    tasks = (ROOT / "roles" / "vm_template" / "tasks" / "main.yml").read_text(encoding="utf-8")
    assert set(site_data.schema()["properties"]["templates"]["items"]["properties"]) == set(
        re.findall(r"\bitem\.([a-z_]+)", tasks)
    )


@pytest.mark.parametrize("site", SITES)
def test_the_sites_of_the_project_fit_the_schemas(site: str) -> None:
    folder = ROOT / "inventory" / site
    data = yaml.safe_load((folder / "group_vars" / "all" / "site.yml").read_text(encoding="utf-8"))
    jsonschema.validate(data, site_data.schema())
    table = folder / "tables" / "machines.yml"
    if table.is_file():  # the homelab's table is a CSV file, which JSON Schema does not describe
        jsonschema.validate(yaml.safe_load(table.read_text(encoding="utf-8")), NODE_TABLE)


@pytest.mark.parametrize("site", SITES)
def test_the_sites_of_the_project_pass_every_check(site: str) -> None:
    table = "tables/machines.csv" if site == "homelab" else "tables/machines.yml"
    loaded = load.load_site([table], ["group_vars/all/site.yml"], ROOT / "inventory" / site)
    assert loaded.machines


def test_the_starter_has_one_bridge_with_mtu_1500() -> None:
    loaded = load.load_site(["tables/machines.yml"], ["group_vars/all/site.yml"], ROOT / "inventory" / "starter")
    assert {(net["name"], net["bridge"], net["mtu"]) for machine in loaded.machines for net in machine["networks"]} == {
        ("eth0", "vmbr0", 1500)
    }
    assert any("ssh_keys" in text for text in loaded.missing) and any("template" in text for text in loaded.missing)


def test_the_homelab_spreads_its_guests_over_three_hosts() -> None:
    loaded = load.load_site(["tables/machines.csv"], ["group_vars/all/site.yml"], ROOT / "inventory" / "homelab")
    assert loaded.derived["survives"]["host"] is True
    assert len([machine for machine in loaded.machines if machine["kind"] == "lxc"]) == 6


def test_a_machine_that_passes_the_checks_fits_the_schema_of_rows(tmp_path: Path) -> None:
    factory.write(tmp_path, factory.cluster())
    jsonschema.validate({"machines": factory.load(tmp_path).machines}, NODE_TABLE)
