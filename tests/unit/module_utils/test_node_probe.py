# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs of a node print, read for the checks of a cluster."""

from __future__ import annotations

import json
import socket

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _node_probe as probe


def test_volume_groups_in_bytes() -> None:
    text = json.dumps({"report": [{"vg": [{"vg_name": "data-vg", "vg_size": "1000", "vg_free": "400"}]}]})
    assert probe.volume_groups(0, text) == {"data-vg": {"size": 1000, "free": 400}}
    assert probe.volume_groups(0, '{"report": [{"vg": []}]}') == {}


@pytest.mark.parametrize(("code", "text"), [(127, ""), (5, "{}"), (0, "no json"), (0, '{"report": []}'), (0, '{"report": [{"vg": [{}]}]}')])
def test_an_answer_that_cannot_be_read_is_not_the_same_as_no_group(code: int, text: str) -> None:
    assert probe.volume_groups(code, text) is None


def test_days_left_of_the_certificates_whatever_kubeadm_warns_of_before() -> None:
    rows = [{"name": "apiserver", "residualTime": 86400 * 3 + 5}, {"name": "super-admin.conf", "residualTime": 0, "missing": True}]
    text = "W0101 cannot ask the cluster\n" + json.dumps({"certificates": rows})
    assert probe.certificates(lambda _command: (0, text)) == {"days": {"apiserver": 3}, "error": None}


def test_certificates_that_cannot_be_asked_for_are_an_error_and_not_none_left() -> None:
    assert probe.certificates(lambda _command: (127, ""))["error"] == "kubeadm certs check-expiration ended with 127"


def test_a_pod_that_is_not_here_is_told_by_name() -> None:
    pods = [{"name": "p", "uid": "00000000-0000-0000-0000-000000000000", "targets": {}}]
    assert set(probe.serve_pods(pods, 7777)) == {"p"}
    assert probe.reach_from_pods(lambda _command: (0, ""), pods)["p"]["error"]


def test_the_operating_system_is_read_beside_what_is_wanted_of_it() -> None:
    wanted = {"swap_allowed": True, "modules": ["no_such_module"], "sysctls": {"kernel.ostype": "Linux", "no.such": "1"},
              "interfaces": []}  # fmt: skip
    said = {"systemd-detect-virt": "lxc\n", "ip": '[{"dst": "default", "gateway": "192.0.2.254", "dev": "eth0"}]'}
    seen = probe.read_system(lambda command: (0, said.get(command[0], "")), wanted)
    assert seen["wanted"] == wanted and seen["container"] is True
    assert seen["modules"]["loaded"] == {"no_such_module": False}
    assert seen["sysctls"]["live"] == {"kernel.ostype": "Linux", "no.such": None}
    assert isinstance(seen["swap"]["active"], list) and isinstance(seen["swap"]["fstab"], list)
    assert [route["gateway"] for route in seen["default_routes"] if route["version"] == 4] == ["192.0.2.254"]
    said = {"systemd-detect-virt": "none\n"}
    assert probe.read_system(lambda command: (0, said.get(command[0], "")), wanted)["container"] is False


def test_a_name_outside_is_looked_up_and_the_first_address_that_answers_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        named = {"addresses": ["127.0.0.2", "127.0.0.1"], "error": None}
        target = {"host": "example.org", "port": port}
        assert probe.reach_outside(target, lambda _name: named) == {**target, "named": named, "reached": "127.0.0.1", "error": ""}
        address = {"host": "127.0.0.1", "port": port}
        assert probe.reach_outside(address, lambda _name: pytest.fail("an address is not looked up"))["reached"] == "127.0.0.1"
    seen = probe.reach_outside(address, lambda _name: named)
    assert seen["reached"] is None and "refused" in seen["error"]


def test_a_name_outside_without_an_address_is_not_connected_to() -> None:
    named = {"addresses": [], "error": "10.96.0.10 knows no such name"}
    seen = probe.reach_outside({"host": "example.org", "port": 443}, lambda _name: named)
    assert (seen["named"], seen["reached"], seen["error"]) == (named, None, "its name has no address")


def test_a_name_that_the_clusters_dns_hears_of_late_is_asked_for_again_and_others_are_not() -> None:
    asked: list[str] = []

    def look_up(name: str) -> dict[str, object]:
        asked.append(name)
        known = name == "kubernetes" or asked.count(name) == 3
        return {"addresses": ["10.96.0.1"] if known else [], "error": None if known else "refused"}

    found = probe.resolve_known(["kubernetes", "probe"], look_up, pause=0)
    assert found["probe"] == {"addresses": ["10.96.0.1"], "error": None}
    assert asked == ["kubernetes", "probe", "probe", "probe"]


def test_a_name_that_stays_unknown_is_told_as_that() -> None:
    told = {"addresses": [], "error": "refused"}
    assert probe.resolve_known(["probe"], lambda _name: told, patience=0) == {"probe": told}
