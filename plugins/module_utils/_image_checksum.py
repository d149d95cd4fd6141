# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checksum given as the publisher's list, such as ``sha256:https://…/SHA256SUMS``, becomes the image's own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

LISTED = re.compile(r"^(?P<algorithm>[a-z0-9]+):(?P<url>[a-z]+://\S+)$")
COREUTILS_LINE = re.compile(r"^(?P<digest>[0-9a-fA-F]{32,128}) [ *](?P<name>.+)$")
BSD_LINE = re.compile(r"^[A-Z0-9]+ \((?P<name>.+)\) = (?P<digest>[0-9a-fA-F]{32,128})$")


class ChecksumListError(InfraError):
    """A list of checksums that cannot be had or does not name the image."""


def is_listed(checksum: str) -> bool:
    """Whether the checksum is the address of a list rather than a digest."""
    return bool(LISTED.match(checksum))


def resolve(checksum: str, image_url: str, fetch: Callable[[str], str]) -> str:
    """``algorithm:digest`` of the image, from the list that ``checksum`` names.

    ``fetch`` returns the text of an https address. A list over plain http proves nothing and is refused. Raises
    ChecksumListError.
    """
    match = LISTED.match(checksum)
    if match is None:
        return checksum
    address = match["url"]
    if urlsplit(address).scheme != "https":
        raise ChecksumListError(
            f"the list of checksums {address} must be an https address: anyone could change another"
        )
    name = posixpath.basename(urlsplit(image_url).path)
    return f"{match['algorithm']}:{digest_of(fetch(address), name, address)}"


def digest_of(text: str, name: str, address: str) -> str:
    """The digest of the file ``name`` in the text of a list, as coreutils or BSD write it. Raises ChecksumListError."""
    found = set()
    for line in text.splitlines():
        match = COREUTILS_LINE.match(line) or BSD_LINE.match(line)
        if match and posixpath.basename(match["name"]) == name:
            found.add(match["digest"].lower())
    if len(found) != 1:
        fact = f"names {len(found)} different checksums for {name}" if found else f"does not name {name}"
        raise ChecksumListError(
            f"the list of checksums {address} {fact}: correct image.url or give the checksum itself"
        )
    return found.pop()
