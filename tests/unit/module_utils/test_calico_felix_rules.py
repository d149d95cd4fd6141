# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Calico's objects may be changed to, and who manages their fields."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import (
    FELIX,
    POOL,
    Wanted,
    explanations,
    pool_problems,
    wanted_objects,
    without_unwritable_mask,
)
from ansible_collections.detectviz.infra.plugins.module_utils._server_side_apply import (
    Conflict,
    applied_view,
    conflicts_of,
    owned_fields,
)
from hypothesis import given
from hypothesis import strategies as st

INT32 = {"properties": {"iptablesMarkMask": {"format": "int32"}}}


def pool(name: str, **spec: Any) -> Wanted:
    return Wanted(POOL, name, spec, "pool")


def there(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


def test_pools_are_applied_before_felix() -> None:
    params = {"felix_configuration": {}, "felix_configuration_name": "default", "ip_pools": [{"name": "p", "spec": {}}]}
    assert [item.title for item in wanted_objects(params)] == ["IPPool p", "FelixConfiguration default"]


def test_the_default_mask_is_left_out_only_where_it_does_not_fit() -> None:
    spec = {"iptablesMarkMask": 0xFFFF0000}
    assert without_unwritable_mask(spec, INT32, "felix")[0] == {}
    assert without_unwritable_mask(spec, {"properties": {"iptablesMarkMask": {}}}, "felix") == (spec, [], [])
    assert without_unwritable_mask({"iptablesMarkMask": 0xFF}, INT32, "felix") == ({"iptablesMarkMask": 0xFF}, [], [])
    assert "0xff000000" in without_unwritable_mask({"iptablesMarkMask": 0xFF000000}, INT32, "felix")[2][0]


@pytest.mark.parametrize(
    ("wanted", "existing", "words"),
    [
        (pool("a", cidr="10.1.0.1/16"), [], "host bits zero"),
        (pool("a"), [], "it must be a network"),
        (pool("a", cidr="10.1.0.0/24", blockSize=20), [], "from 24 to 32"),
        (pool("a", cidr="fd00::/64", blockSize=26), [], "from 116 to 128"),
        (pool("a", cidr="10.1.0.0/16", vxlanMode="Always", ipipMode="CrossSubnet"), [], "both on"),
        (pool("a", cidr="10.1.0.0/16"), [there("a", cidr="10.2.0.0/16")], "cidr is 10.2.0.0/16 in the cluster"),
        (pool("a", blockSize=24), [there("a", cidr="10.2.0.0/16")], "blockSize is 26 (the default)"),
        (pool("a", blockSize=120), [there("a", cidr="fd00::/64")], "blockSize is 122 (the default)"),
        (pool("a", cidr="10.1.0.0/16"), [there("b", cidr="10.0.0.0/8")], "overlaps IPPool b"),
    ],
)
def test_a_bad_pool_is_refused(wanted: Wanted, existing: list[dict[str, Any]], words: str) -> None:
    assert [words in text for text in pool_problems([wanted], existing)] == [True]


def test_two_new_pools_may_not_overlap_or_share_a_name() -> None:
    assert "overlaps" in pool_problems([pool("a", cidr="10.1.0.0/16"), pool("b", cidr="10.1.1.0/24")], [])[0]
    assert "twice" in pool_problems([pool("a", cidr="10.1.0.0/16"), pool("a", cidr="10.1.0.0/16")], [])[0]


@given(st.integers(0, 2**32 - 1), st.integers(8, 26), st.integers(20, 32))
def test_a_pool_can_always_be_applied_again(address: int, prefix: int, size: int) -> None:
    spec = {"cidr": str(ipaddress.ip_network((address, prefix), strict=False)), "vxlanMode": "Always"}
    spec |= {"blockSize": size} if size >= prefix else {}
    assert pool_problems([pool("a", **spec)], []) == []
    assert pool_problems([pool("a", **spec)], [there("a", **spec)]) == []


def test_changes_are_explained() -> None:
    felix = Wanted(FELIX, "default", {}, "felix")
    assert explanations(felix, {"vxlanMTU": 1}, {"vxlanMTU": 1}) == []
    assert "(vxlanMTU)" in explanations(felix, {"a": 1}, {"a": 1, "vxlanMTU": 2})[0]
    before = {"cidr": "10.0.0.0/16", "ipipMode": "Always"}
    after = {"cidr": "10.0.0.0/16", "vxlanMode": "Always", "disabled": True}
    told = explanations(pool("a"), before, after)
    assert "vxlanMode Never and ipipMode Always" in told[0] and "keep it" in told[1]
    assert explanations(pool("a"), None, after) == []


def test_conflicts_name_field_and_manager() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl edit" using v1', "field": ".spec.mtu"},
        {"reason": "FieldManagerConflict", "message": "said otherwise", "field": ".spec.x"},
        {"reason": "FieldValueInvalid", "message": "no", "field": "spec"},
    ]
    assert conflicts_of(causes) == [Conflict("spec.mtu", "kubectl edit"), Conflict("spec.x", "said otherwise")]


def test_owned_fields_are_those_of_the_manager() -> None:
    entries = [
        {"manager": "a", "operation": "Apply", "fieldsV1": {"f:spec": {"f:b": {}, "f:a": {"k:{}": {}, ".": {}}}}},
        {"manager": "a", "operation": "Update", "fieldsV1": {"f:spec": {"f:z": {}}}},
    ]
    item = {"metadata": {"managedFields": entries, "resourceVersion": "7"}, "spec": {"b": 1}}
    assert owned_fields(item, "a") == ["spec.a", "spec.b"]
    assert owned_fields(item, "b") == []
    assert applied_view(item, "a") == {"spec": {"b": 1}, "fields managed by a": ["spec.a", "spec.b"]}
    assert applied_view(None, "a") == {}
