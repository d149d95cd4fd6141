# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known_hosts file of a site as text in, text out. Pure.

Keys of a host are replaced as a whole: a rebuilt guest has new keys of every kind, and an old one left behind
would make SSH refuse it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError


def parse_key(line: str) -> tuple[str, str]:
    """(kind, base64) of a public key such as ``ssh-ed25519 AAAA… comment``. Raises ValueError."""
    parts = line.split()
    for kind, blob in zip(parts, parts[1:]):
        if kind.startswith(("ssh-", "ecdsa-", "sk-")):
            try:
                raw = base64.b64decode(blob, validate=True)
                (length,) = struct.unpack_from("!I", raw)
            except (binascii.Error, struct.error) as error:
                raise ValueError(f"{line[:60]!r} is not a public key") from error
            if raw[4 : 4 + length] != kind.encode():
                raise ValueError(f"{line[:60]!r}: the key is not of the kind {kind}")
            return kind, blob
    raise ValueError(f"{line[:60]!r} is not a public key")


def merge_known_hosts(text: str, entries: Iterable[Mapping[str, Sequence[str]]], absent: Iterable[str] = ()) -> str:
    """``text`` with the keys of ``entries`` in place of what it said about their names, and without those of ``absent``.

    A name that is in both has the keys of its entry. An entry has ``names`` (names and addresses of one host) and ``keys``
    (public keys). Lines about other names stay as they are. Raises ProblemsError naming every key that is none, and every
    entry without names or keys.
    """
    fresh: dict[str, list[str]] = {}
    problems = []
    for entry in entries:
        names, keys = list(entry.get("names") or []), list(entry.get("keys") or [])
        if not names or not keys:
            problems.append(f"entry {names or keys} has no {'keys' if names else 'names'}")
        for key in keys:
            try:
                kind, blob = parse_key(key)
            except ValueError as error:
                problems.append(f"{', '.join(names)}: {error}")
                continue
            for name in names:
                line = f"{name} {kind} {blob}"
                if line not in fresh.setdefault(name, []):
                    fresh[name].append(line)
    if problems:
        raise ProblemsError("These host keys cannot be pinned:", problems)
    replaced = {*fresh, *absent}
    kept = [line for line in text.splitlines() if line.strip() and not set(_names(line)) & replaced]
    lines = kept + [line for name in fresh for line in sorted(fresh[name])]
    # Sorted as a whole, so that the order of the entries changes nothing.
    return "".join(f"{line}\n" for line in sorted(lines))


def _names(line: str) -> list[str]:
    first = line.split()[0] if line.split() else ""
    return [] if first.startswith(("#", "@", "|")) else first.split(",")


def names_in(text: str) -> list[str]:
    """Every name that has a key."""
    return sorted({name for line in text.splitlines() for name in _names(line)})
