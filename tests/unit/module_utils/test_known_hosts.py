# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned host keys: replaced per host, others left alone, nonsense refused."""

from __future__ import annotations

import base64
import struct

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._known_hosts import merge_known_hosts, names_in
from hypothesis import given
from hypothesis import strategies as st


def public_key(kind: str, body: bytes) -> str:
    return f"{kind} {base64.b64encode(struct.pack('!I', len(kind)) + kind.encode() + body).decode()}"


OLD, NEW, RSA = public_key("ssh-ed25519", b"old"), public_key("ssh-ed25519", b"new"), public_key("ssh-rsa", b"rsa")


def test_a_rebuilt_host_keeps_none_of_its_old_keys() -> None:
    before = merge_known_hosts("", [{"names": ["a", "192.0.2.1"], "keys": [OLD, RSA]}])
    after = merge_known_hosts(before, [{"names": ["a", "192.0.2.1"], "keys": [NEW + " root@a"]}])
    assert after == f"192.0.2.1 {NEW}\na {NEW}\n"


def test_other_hosts_stay() -> None:
    before = merge_known_hosts("# mine\n", [{"names": ["a"], "keys": [OLD]}])
    after = merge_known_hosts(before, [{"names": ["b"], "keys": [NEW]}])
    assert after == f"# mine\na {OLD}\nb {NEW}\n"
    assert names_in(after) == ["a", "b"]


def test_names_that_are_gone_have_no_key_and_others_keep_theirs() -> None:
    before = merge_known_hosts("# mine\n", [{"names": ["a", "192.0.2.1", "b"], "keys": [OLD, RSA]}])
    after = merge_known_hosts(before, [], ["a", "192.0.2.1", "nobody"])
    assert after == f"# mine\nb {OLD}\nb {RSA}\n"
    assert merge_known_hosts(after, [], ["a", "192.0.2.1"]) == after
    assert names_in(merge_known_hosts(after, [{"names": ["b"], "keys": [NEW]}], ["b"])) == ["b"]


def test_every_bad_key_is_told() -> None:
    with pytest.raises(ProblemsError) as caught:
        merge_known_hosts("", [{"names": ["a"], "keys": ["nonsense", "ssh-rsa AAAA"]}, {"names": ["b"], "keys": []}])
    assert len(caught.value.problems) == 3


def test_a_key_that_lies_about_its_kind_is_refused() -> None:
    with pytest.raises(ProblemsError, match="not of the kind"):
        merge_known_hosts("", [{"names": ["a"], "keys": ["ssh-rsa " + OLD.split()[1]]}])


hosts = st.lists(
    st.fixed_dictionaries({"names": st.lists(st.sampled_from("abcd"), min_size=1), "keys": st.just([NEW, RSA])}),
    max_size=4,
)


@given(hosts, st.permutations(range(4)))
def test_a_second_run_and_another_order_change_nothing(entries: list, order: list) -> None:
    once = merge_known_hosts("x " + OLD + "\n", entries)
    shuffled = [entries[index] for index in order if index < len(entries)]
    assert merge_known_hosts(once, shuffled) == once
