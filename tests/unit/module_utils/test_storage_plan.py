# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content types of storages: what is sent, what stays, and where the snippets are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._storage_plan import plan_storage
from hypothesis import given
from hypothesis import strategies as st

ROWS: list[dict[str, Any]] = [
    {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,vztmpl,backup", "digest": "abc"},
    {"storage": "local-lvm", "type": "lvmthin", "content": "images,rootdir"},
    {"storage": "share", "type": "nfs", "content": "none"},
    {"storage": "own", "type": "dir", "path": "/srv/own/", "content": "snippets", "content-dirs": "iso=i,snippets=ci"},
]
TYPES = st.lists(st.sampled_from(["iso", "vztmpl", "backup", "snippets", "import", "images"]), max_size=4)


def test_further_types_are_added_to_those_that_are_there() -> None:
    plan = plan_storage("local", ["snippets", "import"], ROWS)
    assert plan.parameters() == {"content": "backup,import,iso,snippets,vztmpl", "digest": "abc"}


def test_a_storage_that_holds_them_needs_nothing() -> None:
    assert plan_storage("local", ["iso"], ROWS).parameters() == {}
    assert plan_storage("local", [], ROWS).parameters() == {}


@given(TYPES)
def test_nothing_is_taken_away_and_what_was_sent_is_enough(wanted: list[str]) -> None:
    plan = plan_storage("local", wanted, ROWS)
    assert set(plan.before) <= set(plan.after) and set(wanted) <= set(plan.after)
    later = [{**ROWS[0], "content": plan.parameters().get("content", ROWS[0]["content"])}]
    assert plan_storage("local", wanted, later).parameters() == {}


@pytest.mark.parametrize(
    ("name", "path"),
    [("local", "/var/lib/vz/snippets"), ("share", "/mnt/pve/share/snippets"), ("own", "/srv/own/ci")],
)
def test_the_folder_of_snippets_is_that_of_the_storages_configuration(name: str, path: str) -> None:
    assert plan_storage(name, [], ROWS).snippets_path == path


def test_content_none_is_no_type() -> None:
    assert plan_storage("share", ["snippets"], ROWS).parameters() == {"content": "snippets"}


def test_a_storage_without_files_is_refused_and_others_are_named() -> None:
    with pytest.raises(InfraError, match="is of type lvmthin and keeps no files; storages that do: local, own, share"):
        plan_storage("local-lvm", ["snippets"], ROWS)


def test_a_storage_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InfraError, match="storage nas does not exist.*sees: local, local-lvm, own, share"):
        plan_storage("nas", ["snippets"], ROWS)
