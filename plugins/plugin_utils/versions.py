# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of the platform's parts a site may name, as known when this collection was released."""

from __future__ import annotations

import datetime
import re
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems

DEFAULTS = {"kubernetes_version": "1.36", "calico_version": "v3.31.7", "kube_vip_version": "v1.2.3"}
# The minor versions that this collection knows how to install. Those of Kubernetes are judged by their end as well.
SUPPORTED = {
    "kubernetes_version": ("1.36", "1.35"),
    "calico_version": ("3.31",),
    "kube_vip_version": ("1.2",),
}
# The last day on which a minor version of Kubernetes is maintained.
END_OF_LIFE = {
    "1.32": "2026-02-28",
    "1.33": "2026-06-28",
    "1.34": "2026-10-27",
    "1.35": "2027-02-28",
    "1.36": "2027-06-28",
}
SOON = 60
"""Days before its end from which a version is warned of."""
_VERSION = re.compile(r"v?(\d{1,3}\.\d{1,3})(?:\.\d{1,4})?(?:-[0-9A-Za-z.-]{1,20})?")


def minor(version: Any) -> str | None:
    """``v1.36.3`` → ``1.36``; None if it is no version."""
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return match[1] if match else None


def days_maintained(version: Any, today: datetime.date) -> int | None:
    """Days until the last one on which this version of Kubernetes is maintained, negative after it; None if unknown."""
    end = END_OF_LIFE.get(minor(version) or "")
    return (datetime.date.fromisoformat(end) - today).days if end else None


def check_versions(
    site: dict[str, Any], place: Place, problems: Problems, warnings: list[str], today: datetime.date
) -> str | None:
    """Refuse versions that are unknown to this release, unless the site allows them in words.

    A version of Kubernetes that ends soon is a warning. So is one that has ended: what runs on it must still be backed up,
    restored and upgraded. What is told of it where a cluster is planned is returned; None where it has not ended, the site
    does not name it, or allows it.
    """
    allowed = bool(site.get("allow_unsupported_versions"))
    for key, supported in SUPPORTED.items():
        version = site.get(key)
        if version is None or minor(version) in supported:
            continue
        if minor(version) is None:
            problems.add(place.at(key), version, "is not a version", f'write it in quotes, such as "{DEFAULTS[key]}"')
        elif allowed:
            warnings.append(f"{key} {version} {_fault(key, version, today)}; you allowed it.")
        else:
            good = " or ".join(_maintained(key, today)) or "use a newer release of this collection"
            fault = _fault(key, version, today)
            problems.add(place.at(key), version, fault, f"write {good}, or set allow_unsupported_versions: true")
    named = site.get("kubernetes_version")
    warnings.extend(_ending(named, today))
    days = days_maintained(named, today)
    if allowed or days is None or days >= 0 or minor(named) not in SUPPORTED["kubernetes_version"]:
        return None
    good = " or ".join(_maintained("kubernetes_version", today))
    instead = f"write {good}" if good else "use a newer release of this collection"
    return f"kubernetes_version {named} is past its end of life, {_end(named)}: {instead}, or set allow_unsupported_versions: true"


def _fault(key: str, version: str, today: datetime.date) -> str:
    """Of a version that this release cannot install."""
    if key != "kubernetes_version":
        return "is past its end of life or unknown to this release"
    ended = (days_maintained(version, today) or 0) < 0
    return f"is past its end of life, {_end(version)}" if ended else "is unknown to this release"


def _maintained(key: str, today: datetime.date) -> list[str]:
    """The minor versions of this release that have not ended."""
    return [version for version in SUPPORTED[key] if key != "kubernetes_version" or (days_maintained(version, today) or 0) >= 0]


def _end(version: Any) -> str:
    return END_OF_LIFE[minor(version) or ""]


def _ending(named: Any, today: datetime.date) -> list[str]:
    version = DEFAULTS["kubernetes_version"] if named is None else named
    days = days_maintained(version, today)
    if days is None or days > SOON:
        return []
    which = "" if named is not None else ", the default of this release,"
    ends = f"is maintained until {_end(version)} ({days} more days)" if days >= 0 else f"is past its end of life, {_end(version)}"
    return [f"kubernetes_version {version}{which} {ends}: name a newer one and run playbooks/upgrade.yml."]
