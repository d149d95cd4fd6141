"""Amounts as people write them."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.plugin_utils import units
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("8 GB", 8192),
        ("8GiB", 8192),
        ("8192 MB", 8192),
        ("1.5 GB", 1536),
        ("1 TB", 1048576),
        ("8 G", 8192),
        ("8 GB", 8192),
    ],
)
def test_memory_is_read_in_mib_and_gb_counts_as_gib(text: str, mib: int) -> None:
    assert units.memory_mib(text) == mib


@pytest.mark.parametrize(
    "text", ["8", "8 XB", "GB", "eight GB", "0 GB", "-8 GB", "8 GB GB", "1e9 GB", "", "8,5 GB", True, []]
)
def test_memory_that_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(units.NotAnAmount):
        units.memory_mib(text)


@pytest.mark.parametrize("text", ["4", "4 cores", "4 Cores", "4 vCPU", "4C", 4, "4 核"])
def test_cores_are_a_number_with_or_without_the_word(text: object) -> None:
    assert units.cores(text) == 4


@pytest.mark.parametrize("text", ["four", "4.5", 4.5, "0", 0, "-1", True, "4 GB", None])
def test_cores_that_are_no_number_are_refused(text: object) -> None:
    with pytest.raises(units.NotAnAmount):
        units.cores(text)


def test_the_documented_disks_become_system_and_data() -> None:
    assert units.disk_list("100GB (sys) + 250GB (data)") == [
        {"name": "system", "size_gb": 100},
        {"name": "data", "size_gb": 250},
    ]


def test_disks_without_names_are_named_in_order() -> None:
    assert [disk["name"] for disk in units.disk_list("10 GB + 20 GB + 1 TB")] == ["system", "data", "data2"]


@pytest.mark.parametrize("text", ["100", "100 GB +", "+", "100 MB", "100 GB (a", "(sys)", "1000000 TB TB"])
def test_disks_that_are_no_amounts_are_refused(text: str) -> None:
    with pytest.raises(units.NotAnAmount):
        units.disk_list(text)


@given(st.integers(1, 9999), st.sampled_from(["GB", "GiB", "gb", "G"]), st.sampled_from(["", " ", "  "]))
def test_every_whole_number_of_gigabytes_reads_back(number: int, unit: str, space: str) -> None:
    assert units.disk_gib(f"{number}{space}{unit}") == number
    assert units.memory_mib(f"{number}{space}{unit}") == number * 1024


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text())))
def test_no_reader_raises_anything_but_its_own_error(value: object) -> None:
    for read in (units.memory_mib, units.disk_gib, units.cores, units.boolean, units.whole_number):
        try:
            read(value)
        except units.NotAnAmount:
            pass
