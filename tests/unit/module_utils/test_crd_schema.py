# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against a definition's schema."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._crd_schema import check_spec, is_established, spec_schema
from hypothesis import given
from hypothesis import strategies as st

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "mtu": {"type": "integer"},
        "healthPort": {"type": "integer"},
        "iptablesMarkMask": {"type": "integer"},
        "small": {"type": "integer", "minimum": 1, "maximum": 3},
        "on": {"type": "boolean"},
        "interval": {"type": "string", "pattern": r"^([0-9]+(\\.[0-9]+)?(ms|s|m|h))*$"},
        "level": {"type": "string", "enum": ["Info", "Debug"]},
        "odd": {"type": "string", "pattern": "(?<"},
        "ranges": {"type": "array", "items": {"x-kubernetes-int-or-string": True}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "inner": {"type": "object", "properties": {"vxlanMode": {"type": "string"}}, "required": ["vxlanMode"]},
    },
}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"mtu": "1450"}, {"mtu": 1450}),
        ({"iptablesMarkMask": "0xffff0000"}, {"iptablesMarkMask": 0xFFFF0000}),
        ({"on": "False"}, {"on": False}),
        ({"mtu": None}, {}),
        ({"ranges": ["30000:32767", 80]}, {"ranges": ["30000:32767", 80]}),
        ({"labels": {"a": "b"}}, {"labels": {"a": "b"}}),
        ({"free": {"any": [1]}}, {"free": {"any": [1]}}),
        ({"interval": "1m30s"}, {"interval": "1m30s"}),
        ({"odd": "the server judges"}, {"odd": "the server judges"}),
    ],
)
def test_values_become_the_schemas_types(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    assert check_spec(spec, SCHEMA, "felix") == (expected, [])


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"MTU": 1450}, "felix.MTU is no field of this kind in the cluster's Calico; did you mean mtu?"),
        ({"zzz": 1}, "felix.zzz is no field of this kind in the cluster's Calico"),
        ({"mtu": True}, "felix.mtu is True: it must be a whole number"),
        ({"mtu": 1.5}, "felix.mtu is 1.5: it must be a whole number"),
        ({"healthPort": 70000}, "felix.healthPort is 70000: it must be from 0 to 65535"),
        ({"iptablesMarkMask": -1}, "felix.iptablesMarkMask is -1: it must be from 0 to 4294967295"),
        ({"small": 4}, "felix.small is 4: it must be from 1 to 3"),
        ({"on": 1}, "felix.on is 1: it must be true or false"),
        ({"interval": 30}, "felix.interval is 30: it must be a duration with its unit, such as 30s"),
        ({"interval": "30"}, "felix.interval is '30': it must be a duration: whole numbers with ms, s, m or h, such as 30s"),
        ({"level": "Loud"}, "felix.level is 'Loud': it must be one of Info, Debug"),
        ({"ranges": "80"}, "felix.ranges is '80': it must be a list"),
        ({"ranges": [[]]}, "felix.ranges[0] is []: it must be a number or text"),
        ({"labels": {"a": 1}}, "felix.labels.a is 1: it must be text"),
        ({"inner": {"vxlanmode": "x"}}, "felix.inner.vxlanmode is no field of this kind"),
        ({"inner": {}}, "felix.inner.vxlanMode is missing"),
    ],
)
def test_a_problem_names_field_fact_and_way_out(spec: dict[str, Any], problem: str) -> None:
    assert check_spec(spec, SCHEMA, "felix")[1][0].startswith(problem)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])) | st.text(max_size=4), _values, max_size=6))
def test_any_value_gives_problems_or_a_fixed_point(spec: dict[str, Any]) -> None:
    checked, problems = check_spec(spec, SCHEMA, "felix")
    if not problems:
        assert check_spec(checked, SCHEMA, "felix") == (checked, [])


def test_a_definition_serves_versions_and_becomes_established() -> None:
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"properties": {"spec": SCHEMA}}}}
    definition: dict[str, Any] = {"spec": {"versions": [version]}}
    assert spec_schema(definition, "v1") == SCHEMA
    assert spec_schema(definition, "v2") is None
    assert not is_established(definition)
    assert is_established({"status": {"conditions": [{"type": "Established", "status": "True"}]}})
