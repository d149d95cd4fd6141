# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: which one is wanted, and what is in its way."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import (
    choose_packages,
    matches,
    newest,
    parse_available,
    parse_installed,
    upstream,
)
from hypothesis import given
from hypothesis import strategies as st

KUBE = ["kubelet", "kubeadm", "kubectl"]
OFFERED = {name: ["1.36.0-1.1", "1.36.3-1.1", "1.36.10-1.1", "1.35.9-1.1"] for name in KUBE}


def installed(version: str, held: bool = True) -> dict[str, dict[str, object]]:
    return {name: {"version": version, "held": held} for name in KUBE}


def test_the_newest_patch_of_the_minor_is_chosen_by_number() -> None:
    plan = choose_packages(KUBE, "1.36", {}, OFFERED)
    assert plan["install"] == [f"{name}=1.36.10-1.1" for name in KUBE]
    assert plan["unheld"] == KUBE


def test_an_installed_patch_of_the_minor_stays() -> None:
    assert choose_packages(KUBE, "1.36", installed("1.36.3-1.1"), OFFERED) == {
        "install": [], "replaced": [], "missing": [], "unheld": [],
    }  # fmt: skip


def test_the_pinned_patch_is_the_one() -> None:
    assert choose_packages(KUBE, "1.36.3", {}, OFFERED)["install"] == [f"{name}=1.36.3-1.1" for name in KUBE]
    assert choose_packages(KUBE, "v1.36.3", installed("1.36.3-1.1"), OFFERED)["install"] == []


def test_another_kubelet_is_told_as_what_would_be_replaced() -> None:
    plan = choose_packages(KUBE, "1.36", {"kubelet": {"version": "1.35.9-1.1", "held": True}}, OFFERED)
    assert plan["replaced"] == ["kubelet 1.35.9-1.1"]


@pytest.mark.parametrize("behind", KUBE)
def test_a_patch_that_is_not_there_for_all_is_no_ones(behind: str) -> None:
    offered = {name: [*OFFERED[name], *(["1.36.11-1.1"] if name != behind else [])] for name in KUBE}
    plan = choose_packages(KUBE, "1.36", {}, offered)
    assert (plan["install"], plan["missing"]) == ([f"{name}=1.36.10-1.1" for name in KUBE], [])


def test_without_a_patch_for_all_the_first_ones_is_missing_from_the_others() -> None:
    offered = {"kubelet": ["1.36.3-1.1"], "kubeadm": ["1.36.4-1.1"]}
    plan = choose_packages(["kubelet", "kubeadm"], "1.36", {}, offered)
    assert (plan["install"], plan["missing"]) == (["kubelet=1.36.3-1.1"], ["kubeadm 1.36.3 (offered: 1.36.4-1.1)"])


def test_the_others_follow_the_one_that_is_installed() -> None:
    found = {"kubelet": {"version": "1.36.3-1.1", "held": True}}
    assert choose_packages(KUBE, "1.36", found, OFFERED)["install"] == ["kubeadm=1.36.3-1.1", "kubectl=1.36.3-1.1"]


def test_a_version_that_nobody_offers_is_told_with_what_is_offered() -> None:
    assert choose_packages(["kubeadm"], "1.37", {}, OFFERED)["missing"] == [
        "kubeadm 1.37 (offered: 1.35.9-1.1, 1.36.0-1.1, 1.36.3-1.1, 1.36.10-1.1)"
    ]


def test_a_package_that_is_not_held_is_told() -> None:
    assert choose_packages(KUBE, "1.36", installed("1.36.3-1.1", held=False), OFFERED)["unheld"] == KUBE


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("2.1.5-1~debian.12~bookworm", "2", True),
        ("1.7.24~ds1-6", "2", False),
        ("1.7.24~ds1-6", "1.7", True),
        ("20.1-1", "2", False),
        ("1:2.4.2-1", "2.4.2", True),
        ("1.36.30-1.1", "1.36.3", False),
    ],
)
def test_short_versions(version: str, wanted: str, fits: bool) -> None:
    assert matches(version, wanted) is fits


def test_a_release_is_newer_than_its_candidate() -> None:
    assert newest(["2.2.0~rc.1-1", "2.2.0-1"], "2") == "2.2.0-1"


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=1))
def test_the_newest_is_the_greatest_triple(triples: list[tuple[int, int, int]]) -> None:
    versions = [f"{a}.{b}.{c}-1.1" for a, b, c in triples]
    assert upstream(newest(versions, str(max(triples)[0])) or "") == ".".join(map(str, max(triples)))


def test_dpkg_tells_holds_and_leaves_removed_packages_out() -> None:
    text = "kubelet\t1.36.3-1.1\thi \ncontainerd.io:amd64\t2.1.5-1\tii \nkubectl\t1.30.0\trc \n"
    assert parse_installed(text) == {
        "kubelet": {"version": "1.36.3-1.1", "held": True},
        "containerd.io": {"version": "2.1.5-1", "held": False},
    }


def test_madison_lists_each_version_once() -> None:
    text = (
        "   kubeadm | 1.36.3-1.1 | http://192.0.2.1/kubernetes/v1.36/deb  Packages\n"
        "   kubeadm | 1.36.3-1.1 | http://192.0.2.2/deb  Packages\n"
        "   kubeadm | 1.36.2-1.1 | http://192.0.2.1/src Sources\n"
    )
    assert parse_available(text) == {"kubeadm": ["1.36.3-1.1"]}
