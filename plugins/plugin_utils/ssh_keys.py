# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an entry of ssh_keys is a public key, told before Proxmox refuses it with half the guests made."""

from __future__ import annotations

import re

EXPECTED = (
    "write the key itself (ssh-ed25519 AAAA… name), or in guest_defaults of the site data "
    "\"{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}\""
)
# As in authorized_keys: options may stand before the type, a comment behind the key.
_LINE = re.compile(r"(?:.*\s)?(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w.@-]+\s+[A-Za-z0-9+/]{4,}={0,3}(?:\s.*)?", re.ASCII)


def is_public_key(text: str) -> bool:
    """Whether every line that is not blank is a public key; an entry that only Ansible can evaluate counts as one.

    >>> is_public_key("ssh-ed25519 AAAAC3Nz me@example.com"), is_public_key("~/.ssh/id_ed25519.pub")
    (True, False)
    """
    if "{{" in text or "{%" in text:
        return True
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_LINE.fullmatch(line) for line in lines)
