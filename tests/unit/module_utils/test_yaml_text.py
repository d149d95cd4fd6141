# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that is written without a YAML library is read back as what it was."""

from __future__ import annotations

import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._yaml_text import to_yaml
from hypothesis import given
from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "yes",
        "No",
        "null",
        "~",
        "1e3",
        "0x1f",
        "1_000",
        "2026-01-01",
        "12:30:45",
        ":2112",
        "- a",
        "a: b",
        "a:b",
        "#",
        "",
        "=",
    ]
)
keys = text.filter(lambda key: len(key) < 60)  # YAML's own limit is 1024 letters, escaped
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, min_size=1, max_size=4))
def test_it_is_read_back(value: dict) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_it_is_for_people_too() -> None:
    assert to_yaml({"a": [{"b": 1, "c": "x"}], "d": {}}) == "a:\n- b: 1\n  c: x\nd: {}\n"
