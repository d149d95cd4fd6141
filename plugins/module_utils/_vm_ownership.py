# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose guest is it: the marker that we write, and what follows from it.

A guest is ours when three things agree: the tag ``dvz-site-<site_name>``, a line in the description that names site and
guest id, and the id itself. The line is written by the clone call, and says that the guest is no more than cloned; the
first configuration writes the tag and takes that word away. So a guest that still has the word is one that an
interrupted run left behind, and is finished. One that lost its tag later was taken out of the site, and is foreign.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable

SITE_TAG = "dvz-site-"
HASH_TAG = "dvz-"
# What the clone call adds to the line.
CLONED = {"stage": "cloned"}
_HASH = re.compile(r"^dvz-[0-9a-f]{8}$")
_LINE = re.compile(r"^detectviz\.infra: (?P<pairs>(?:[a-z_]+=\S+ ?)+)$")


class Ownership(enum.Enum):
    """What the markers of a guest say."""

    OURS = "ours"
    UNFINISHED = "unfinished"  # our clone, not yet configured
    FOREIGN = "foreign"


def site_tag(site: str) -> str:
    """The tag of a site; Proxmox keeps tags in lower case."""
    return f"{SITE_TAG}{site.lower()}"


def split_tags(text: str | None) -> list[str]:
    """Tags of a Proxmox tag string as a sorted list in lower case (separators: ``;``, ``,`` and blanks)."""
    return sorted({tag.lower() for tag in re.split(r"[;,\s]+", text or "") if tag})


def is_own_tag(tag: str) -> bool:
    """Written by this collection: a site tag or the tag of the desired state."""
    return tag.startswith(SITE_TAG) or bool(_HASH.match(tag))


def state_tag(tags: Iterable[str]) -> str | None:
    """The ``dvz-<hash>`` tag, or None."""
    return next((tag for tag in tags if _HASH.match(tag)), None)


def marker_line(site: str, vm_id: int, facts: dict[str, str]) -> str:
    """The line of the description; ``facts`` are further ``key=value`` pairs, such as the template."""
    pairs = {"site": site.lower(), "guest": str(vm_id), **facts}
    return "detectviz.infra: " + " ".join(f"{key}={value}" for key, value in pairs.items())


def read_marker(description: str | None) -> dict[str, str]:
    """The pairs of the marker line, or an empty map."""
    for line in (description or "").splitlines():
        found = _LINE.match(line.strip())
        if found:
            return dict(pair.split("=", 1) for pair in found.group("pairs").split())
    return {}


def without_marker(description: str | None) -> str:
    """The description's own text, without our line and without outer blank lines."""
    lines = [line for line in (description or "").splitlines() if not _LINE.match(line.strip())]
    return "\n".join(lines).strip()


def with_marker(text: str, line: str) -> str:
    """The whole description: the text, then our line."""
    return f"{text.strip()}\n\n{line}" if text.strip() else line


def ownership(site: str, vm_id: int, tags: Iterable[str], description: str | None) -> Ownership:
    """What the tag, the line and the id of one guest say together."""
    tags = list(tags)
    marker = read_marker(description)
    line_agrees = marker.get("site") == site.lower() and marker.get("guest") == str(vm_id)
    if not line_agrees:
        return Ownership.FOREIGN
    sites = [tag for tag in tags if tag.startswith(SITE_TAG)]
    if sites == [site_tag(site)]:
        return Ownership.OURS
    unfinished = not sites and CLONED.items() <= marker.items()
    return Ownership.UNFINISHED if unfinished else Ownership.FOREIGN


def explain_foreign(site: str, vm_id: int, tags: Iterable[str], description: str | None) -> str:
    """Why a guest is not ours, in half a sentence."""
    sites = [tag for tag in tags if tag.startswith(SITE_TAG)]
    marker = read_marker(description)
    if sites and sites != [site_tag(site)]:
        return f"it carries the tag {sites[0]}, so another site owns it"
    if sites and not marker:
        return f"it has the tag {sites[0]} but no marker line in its description"
    if marker and marker.get("guest") != str(vm_id):
        return f"its marker line names guest {marker.get('guest')}: it is a copy of that guest"
    if marker and marker.get("site") != site.lower():
        return f"its marker line names site {marker.get('site')}"
    if marker:
        return f"its tag {site_tag(site)} was taken away"
    return "it has no marker of this collection"
