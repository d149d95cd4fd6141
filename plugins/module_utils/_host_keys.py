# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's own public SSH host key, over the authenticated API, as its guest agent reads it."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError

KEY_FILE = "/etc/ssh/ssh_host_{kind}_key.pub"
KEY_KINDS = ("ed25519", "ecdsa", "rsa")
"""In the order of preference; one key is enough."""


def read_host_keys(client: ProxmoxClient, path: str) -> list[str]:
    """The first key that there is, as a list; empty when no file has anything in it yet.

    ``path`` is that of the guest (``nodes/pve1/qemu/101``). Raises ApiError when none can be read; an agent that is not
    up is asked once.
    """
    missing: ApiError | None = None
    for kind in KEY_KINDS:
        try:
            answer = client.get(f"{path}/agent/file-read", file=KEY_FILE.format(kind=kind))
        except ApiError as error:
            if error.status != 500 or "is not running" in error.text or "No QEMU guest agent" in error.text:
                raise
            missing = error
            continue
        key = str(answer.get("content") or "").strip()
        if key:
            return [key]
    if missing:
        raise missing
    return []
