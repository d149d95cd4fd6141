# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's API from the control machine, through the site's kubeconfig."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import HttpsJson, from_kubeconfig

try:
    import yaml
except ImportError:  # ansible-core brings it to every controller
    yaml = None  # type: ignore[assignment]


MADE = (
    "it is made by playbooks/p2_kubernetes.yml, with kubernetes_version set to what runs where there is a cluster already; a "
    "check run makes none"
)


def cluster_api(path: str, timeout: float = 10) -> HttpsJson:
    """Raises InfraError if the kubeconfig cannot be used."""
    try:
        return from_kubeconfig(yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8")), timeout)
    except (OSError, yaml.YAMLError) as error:
        raise InfraError(f"kubeconfig {path}: {error}; {MADE}") from error
