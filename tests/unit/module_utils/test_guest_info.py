# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that cannot be asked for are told before Proxmox is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._guest_info import read_guests
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import Connection


@pytest.mark.parametrize(
    ("guest", "text"),
    [
        ({"name": "a"}, r"guests\[1\].vm_id of a is no id; write the guest's id on Proxmox"),
        ({"name": "a", "vm_id": "x"}, r"guests\[1\].vm_id of a is no id"),
        ({"vm_id": 101}, r"guests\[1\].name is missing"),
    ],
)
def test_a_guest_without_name_or_id_is_told(guest: dict[str, Any], text: str) -> None:
    client = ProxmoxClient(Connection("127.0.0.1", 1, token_id="me@pve!one", token_secret="x"))
    with pytest.raises(InfraError, match=text):
        read_guests(client, [{"name": "b", "vm_id": "102"}, guest])
