# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containerd's configuration in the schema of its version, and TOML as any reader takes it."""

from __future__ import annotations

from typing import Any

import pytest
import tomllib
from ansible_collections.detectviz.infra.plugins.module_utils._containerd import (
    IMAGES,
    OLD,
    RUNTIME,
    containerd_config,
    major,
    registry_hosts,
    to_toml,
)
from ansible_collections.detectviz.infra.plugins.module_utils._containerd_dump import toml_lacking
from hypothesis import given
from hypothesis import strategies as st

SETTINGS = {
    "sandbox_image": "registry.k8s.io/pause:3.10.2", "systemd_cgroup": True, "restrict_oom_score_adj": False,
    "snapshotter": "overlayfs", "certs_folder": "/etc/containerd/certs.d",
}  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXT)
DATA = st.dictionaries(
    TEXT, st.recursive(SCALARS | st.lists(SCALARS), lambda inner: st.dictionaries(TEXT, inner, max_size=4)), max_size=4
)


@given(DATA)
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(data)) == data


def test_containerd_2_reads_version_3() -> None:
    config = containerd_config("2.4.2-1", SETTINGS)
    assert config["version"] == 3
    assert config["plugins"][IMAGES]["pinned_images"] == {"sandbox": "registry.k8s.io/pause:3.10.2"}
    assert config["plugins"][IMAGES]["registry"] == {"config_path": "/etc/containerd/certs.d"}
    assert config["plugins"][RUNTIME]["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": True}
    assert OLD not in config["plugins"]


def test_containerd_1_reads_version_2() -> None:
    config = containerd_config("1.7.24~ds1-6", SETTINGS)
    assert config["version"] == 2
    assert config["plugins"][OLD]["sandbox_image"] == "registry.k8s.io/pause:3.10.2"
    assert config["plugins"][OLD]["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": True}
    assert list(config["plugins"]) == [OLD]


def test_own_settings_are_laid_over_it() -> None:
    config = containerd_config("2.1", {**SETTINGS, "extra": {"debug": {"level": "debug"}, "plugins": {IMAGES: {"snapshotter": "zfs"}}}})
    assert config["debug"] == {"level": "debug"}
    assert config["plugins"][IMAGES]["snapshotter"] == "zfs"
    assert config["plugins"][IMAGES]["pinned_images"]


@pytest.mark.parametrize(("version", "number"), [("1:1.6.20~ds1-1", 1), ("v2.4.2", 2), ("10.0.1", 10)])
def test_the_major_version_of_a_package(version: str, number: int) -> None:
    assert major(version) == number


@pytest.mark.parametrize("version", ["1.7.24", "2.4.2"])
def test_a_dump_that_says_the_same_and_more_is_right(version: str) -> None:
    wanted = containerd_config(version, SETTINGS)
    assert toml_lacking(to_toml({**wanted, "root": "/var/lib/containerd"}), wanted) == []


def test_a_setting_of_the_other_schema_is_told() -> None:
    """What containerd does not know is missing from its dump: the old names beside containerd 2."""
    problems = toml_lacking(to_toml(containerd_config("2.4.2", SETTINGS)), containerd_config("1.7.24", SETTINGS))
    assert any("sandbox_image is None" in problem for problem in problems)


def test_a_dump_that_is_no_toml_is_told() -> None:
    assert "no TOML" in toml_lacking("containerd: failed to load", {"version": 3})[0]


def test_the_mirror_of_everything_is_containerds_default() -> None:
    hosts = registry_hosts({"*": {"endpoints": ["http://192.0.2.1:5000"], "skip_verify": False}})
    assert hosts == {"_default": {"host": {"http://192.0.2.1:5000": {"capabilities": ["pull", "resolve"]}}}}
    assert to_toml(hosts["_default"]) == '[host."http://192.0.2.1:5000"]\ncapabilities = ["pull", "resolve"]\n'


def test_a_mirror_without_fallback_is_its_own_server() -> None:
    hosts = registry_hosts({"docker.io": {"endpoints": ["https://a", "https://b"], "fallback": False, "ca": "/etc/ca.pem"}})
    assert hosts["docker.io"]["server"] == "https://b"
    assert [row["ca"] for row in hosts["docker.io"]["host"].values()] == ["/etc/ca.pem", "/etc/ca.pem"]
