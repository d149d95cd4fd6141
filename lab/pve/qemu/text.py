"""The text of a configuration file and its digest.

The file is the truth on Proxmox VE: `digest` is the SHA1 of its text, so any edit by anyone changes it.
"""

from __future__ import annotations

import hashlib
import re


def encode(line: str) -> str:
    """A line of the description: percent-encode what is not plain text."""
    return re.sub(r"[^\x20-\x24\x26-\x7e]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), line)


def show(config: dict, pending: dict, pending_delete: dict, cloudinit: dict) -> str:
    """The whole file: description, sorted keys, [PENDING] and [special:cloudinit]."""
    parts = [_section(config)]
    changes = dict(pending)
    if pending_delete:
        changes["delete"] = ",".join(f"{'!' if force else ''}{key}" for key, force in sorted(pending_delete.items()))
    if changes:
        parts.append("\n[PENDING]\n" + _section(changes))
    if cloudinit:
        parts.append("\n[special:cloudinit]\n" + _section(cloudinit))
    return "".join(parts)


def digest(text: str) -> str:
    """40 hexadecimal digits."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _section(values: dict) -> str:
    comment = "".join(f"#{encode(line)}\n" for line in str(values.get("description", "")).split("\n")
                      if "description" in values)
    rest = "".join(f"{key}: {values[key]}\n" for key in sorted(values) if key != "description")
    return comment + rest
