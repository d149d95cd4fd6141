# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of the platform's parts a site may name, as known when this collection was released."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems

DEFAULTS = {"kubernetes_version": "1.36", "calico_version": "v3.31.7", "kube_vip_version": "v1.2.3"}
# The minor versions that are maintained and that this collection knows how to install.
SUPPORTED = {
    "kubernetes_version": ("1.36", "1.35"),
    "calico_version": ("3.31",),
    "kube_vip_version": ("1.2",),
}
# The last day on which a minor version of Kubernetes is maintained.
END_OF_LIFE = {"1.35": "2027-02-28", "1.36": "2027-06-28"}
_VERSION = re.compile(r"v?(\d{1,3}\.\d{1,3})(?:\.\d{1,4})?(?:-[0-9A-Za-z.-]{1,20})?")


def minor(version: Any) -> str | None:
    """``v1.36.3`` → ``1.36``; None if it is no version."""
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return match[1] if match else None


def check_versions(site: dict[str, Any], place: Place, problems: Problems, warnings: list[str]) -> None:
    """Refuse versions that are unknown or past their end of life, unless the site allows them in words."""
    for key, supported in SUPPORTED.items():
        version = site.get(key)
        if version is None:
            continue
        short = minor(version)
        if short is None:
            problems.add(place.at(key), version, "is not a version", f'write it in quotes, such as "{DEFAULTS[key]}"')
        elif short not in supported:
            if site.get("allow_unsupported_versions"):
                warnings.append(f"{key} {version} is past its end of life or unknown here; you allowed it.")
            else:
                problems.add(
                    place.at(key),
                    version,
                    "is past its end of life or unknown to this release",
                    f"write {' or '.join(supported)}, or set allow_unsupported_versions: true",
                )
