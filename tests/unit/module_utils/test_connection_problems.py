# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of a connection lack is told with the option, the variable of the environment and the way out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_args import (
    connection_argument_spec,
    connection_problems,
)

TOKEN = {"api_token_id": "me@pve!one", "api_token_secret": "x"}
LOGIN = {"api_user": "me@pve", "api_password": "x"}


def problems(**given: Any) -> list[str]:
    return connection_problems({**dict.fromkeys(connection_argument_spec()), "api_host": "pve", **given})


@pytest.mark.parametrize(
    "given",
    [
        TOKEN,
        LOGIN,
        {**TOKEN, "api_token_id": "one", "api_user": "me@pve"},
        {**LOGIN, "api_token_id": "", "api_token_secret": ""},  # a variable of the environment that was emptied
        {**LOGIN, **TOKEN},
        {**TOKEN, "api_fingerprint": ":".join(["AB"] * 32)},
    ],
)
def test_what_is_enough(given: dict[str, Any]) -> None:
    assert problems(**given) == []


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({}, ["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET", "PROXMOX_PASSWORD", "pveum user token add", "API Tokens"]),
        ({"api_user": "me@pve"}, ["neither a token nor a password", "PROXMOX_TOKEN_SECRET"]),
        ({"api_token_id": "me@pve!one"}, ["PROXMOX_TOKEN_SECRET", "make another token"]),
        ({"api_token_secret": "x"}, ["api_token_id is missing", "PROXMOX_TOKEN_ID", "user@realm!name"]),
        ({**TOKEN, "api_token_id": "one"}, ["user@realm!one", "api_user"]),
        ({"api_password": "x"}, ["api_user is missing", "name@realm", "PROXMOX_USER"]),
        ({**TOKEN, "api_fingerprint": "AB:CD"}, ["not a SHA-256 fingerprint", "pvenode cert info"]),
        ({**TOKEN, "ca_path": "/nowhere/ca.pem"}, ["/nowhere/ca.pem cannot be used", "/etc/pve/pve-root-ca.pem"]),
        ({**TOKEN, "api_host": None}, ["api_host is missing", "PROXMOX_HOST"]),
    ],
)
def test_each_gap_is_told_with_its_way_out(given: dict[str, Any], texts: list[str]) -> None:
    (problem,) = problems(**given)
    assert [text for text in texts if text not in problem] == []


def test_all_gaps_are_told_at_once() -> None:
    assert len(problems(api_host="", api_fingerprint="?", ca_path="/nowhere")) == 4
