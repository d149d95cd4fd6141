# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the hosts file, options of the SSH server."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._node_sshd import sshd_problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.hosts_file import hosts_lines

ROWS = [{"name": "node-1", "networks": [{"addresses": ["192.168.0.11/24"]}, {"addresses": ["10.0.0.11/24", "dhcp"]}]}]
RECORDS = [
    {"name": "node-1.detectviz.internal", "value": "192.168.0.11"},
    {"name": "node-1.cluster.internal", "value": "10.0.0.11"},
    {"name": "k8s-api.detectviz.internal", "value": "192.168.0.10"},
    {"name": "grafana.detectviz.internal", "value": "192.168.0.10"},
]
VIP = {"address": "192.168.0.10", "name": "k8s-api.detectviz.internal"}


def test_every_address_of_the_table_and_the_api_have_a_line() -> None:
    assert hosts_lines(ROWS, RECORDS, VIP, {"node-1": "10.0.0.11"}) == [
        "192.168.0.11 node-1.detectviz.internal node-1",
        "10.0.0.11 node-1.cluster.internal node-1-cluster",
        "192.168.0.10 k8s-api.detectviz.internal k8s-api",
    ]


def test_without_zones_the_short_names_are_left() -> None:
    assert hosts_lines(ROWS, [], {"address": "192.168.0.10", "name": "api"}, {}) == ["192.168.0.11 node-1", "192.168.0.10 api"]


def test_a_short_name_of_the_api_gets_its_zone_too() -> None:
    records = [{"name": "api.detectviz.internal", "value": "192.168.0.10"}]
    assert hosts_lines([], records, {"address": "192.168.0.10", "name": "api"}, {}) == ["192.168.0.10 api.detectviz.internal api"]


def test_the_old_name_of_a_value_is_the_same() -> None:
    assert sshd_problems({"PermitRootLogin": "prohibit-password"}, {"permitrootlogin": "without-password"}) == []


def test_passwords_that_another_file_allows_are_told() -> None:
    assert sshd_problems({"PasswordAuthentication": "no"}, {"passwordauthentication": "yes"}) == ["PasswordAuthentication is yes, not no"]
    assert sshd_problems({"Nonsense": "no"}, {}) == ["Nonsense is unknown to this server, not no"]
