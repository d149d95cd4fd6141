# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's files say about kernel parameters, modules and swap."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils import _node_kept as kept
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z]{1,8}(\.[a-z0-9_-]{1,8}){1,4}", fullmatch=True)
VALUES = st.from_regex(r"[0-9]{1,5}( [0-9]{1,5})?", fullmatch=True)


def test_a_file_of_etc_hides_one_of_the_same_name() -> None:
    paths = ["/usr/lib/sysctl.d/50-a.conf", "/etc/sysctl.d/50-a.conf", "/run/sysctl.d/60-b.conf", "/etc/sysctl.d/README"]
    assert kept.boot_order(paths, kept.SYSCTL_FOLDERS) == ["/etc/sysctl.d/50-a.conf", "/run/sysctl.d/60-b.conf"]


def test_the_last_file_wins_and_is_named() -> None:
    files = [("a", "net.ipv4.ip_forward = 1\n"), ("b", "# no\nnet/ipv4/ip_forward=0\n")]
    assert kept.kept_sysctls(files) == {"net.ipv4.ip_forward": {"value": "0", "path": "b"}}


def test_both_spellings_of_a_name_are_one() -> None:
    assert kept.sysctl_key("net/ipv4/conf/eth0.5/rp_filter") == "net.ipv4.conf.eth0/5.rp_filter"
    assert kept.sysctl_key("-net.ipv4.conf.eth0/5.rp_filter") == "net.ipv4.conf.eth0/5.rp_filter"


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_what_is_kept(values: dict[str, str]) -> None:
    text = "".join(f"{name} = {value}\n" for name, value in values.items())
    assert {name: row["value"] for name, row in kept.kept_sysctls([("f", text)]).items()} == values


@given(st.dictionaries(NAMES, VALUES))
def test_values_that_are_live_and_kept_are_no_problem(values: dict[str, str]) -> None:
    at_boot = {name: {"value": value, "path": "f"} for name, value in values.items()}
    assert kept.sysctl_problems(values, values, at_boot) == []


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    kept.kept_sysctls([("f", text)])
    kept.kept_modules([text])
    kept.swap_lines(text)
    kept.active_swap(text)


def test_the_bridge_module_comes_before_its_parameters() -> None:
    problems = kept.sysctl_problems({"net.bridge.bridge-nf-call-iptables": "1"}, {}, {})
    assert "the kernel module behind it is not loaded" in problems[0]


def test_a_value_that_another_file_undoes_at_boot_is_told_with_that_file() -> None:
    at_boot = {"net.ipv4.ip_forward": {"value": "0", "path": "/etc/sysctl.d/99-sysctl.conf"}}
    problems = kept.sysctl_problems({"net.ipv4.ip_forward": 1}, {"net.ipv4.ip_forward": "1"}, at_boot)
    assert problems == ["/etc/sysctl.d/99-sysctl.conf sets net.ipv4.ip_forward to 0 at boot, not 1: remove it there"]


def test_a_value_that_nobody_keeps_is_told() -> None:
    assert "lost with the next boot" in kept.sysctl_problems({"a.b": "1"}, {"a.b": "1"}, {})[0]


def test_strict_reverse_path_filtering_is_told() -> None:
    at_boot = {"net.ipv4.conf.all.rp_filter": {"value": "2", "path": "f"}}
    problems = kept.sysctl_problems({"net.ipv4.conf.all.rp_filter": "2"}, {"net.ipv4.conf.all.rp_filter": "1"}, at_boot)
    assert problems == ["net.ipv4.conf.all.rp_filter is 1, not 2: something else on the machine sets it"]


def test_modules_with_dashes_and_comments() -> None:
    assert kept.kept_modules(["# x\nbr-netfilter\n\noverlay # y\n", "; z\nvxlan"]) == ["br_netfilter", "overlay", "vxlan"]


def test_swap_of_fstab() -> None:
    fstab = "UUID=1 / ext4 defaults 0 1\n#UUID=2 none swap sw 0 0\nUUID=3\tnone\tswap\tsw\t0\t0\n/swap.img none swap sw 0 0\n"
    assert kept.swap_lines(fstab) == ["UUID=3\tnone\tswap\tsw\t0\t0", "/swap.img none swap sw 0 0"]


def test_swap_in_use_zram_included() -> None:
    text = (
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/swap\\040file                              file\t\t1048572\t\t0\t\t-2\n"
        "/dev/zram0                              partition\t2097148\t\t0\t\t100\n"
    )
    assert kept.active_swap(text) == [
        {"device": "/swap file", "kind": "file", "size_kb": 1048572},
        {"device": "/dev/zram0", "kind": "partition", "size_kb": 2097148},
    ]
