"""The documented site's own page, as printed. It is not part of the project, so it may be absent."""

from __future__ import annotations

from pathlib import Path

import pytest
import site_factory as factory
from ansible_collections.detectviz.infra.plugins.plugin_utils.load import load_site

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT.parent / "shared" / "documents" / "000_025a4a40b25db9fc.txt"
DETECTVIZ = ROOT / "inventory" / "detectviz"


def test_the_printed_page_and_the_documented_site_describe_the_same_machines() -> None:
    if not DOCUMENT.is_file():
        pytest.skip(f"the printed page is not at {DOCUMENT}; the page in tables/page.md has the same tables")
    site_file = "group_vars/all/site.yml"
    printed = load_site([DOCUMENT], [site_file], DETECTVIZ)
    ours = load_site(["tables/machines.yml"], [site_file], DETECTVIZ)
    assert len(printed.machines) == 4
    for from_page, from_table in zip(printed.machines, ours.machines):
        # The page says which pods go where in words, not as a label of a machine.
        assert {**from_page, "labels": from_table["labels"]} == from_table
    assert printed.derived["dns_records"] == ours.derived["dns_records"]
    assert printed.derived["cni_mtu"] == 8950


def test_the_printed_page_brings_its_own_networks(tmp_path: Path) -> None:
    if not DOCUMENT.is_file():
        pytest.skip(f"the printed page is not at {DOCUMENT}; the page in tables/page.md has the same tables")
    data = factory.site(networks=None, load_balancer_pool=["192.168.0.200-220"])
    factory.write(tmp_path, [], data)
    site = load_site([DOCUMENT], ["group_vars/all/site.yml"], tmp_path)
    assert site.data["networks"] == {
        "vmbr0": {"cidr": "192.168.0.0/24", "mtu": 9000},
        "vmbr1": {"cidr": "10.0.0.0/24", "mtu": 9000},
    }
    assert len([note for note in site.notes if "passed over the table" in note]) == 5
