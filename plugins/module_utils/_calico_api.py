# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Calico's APIs a cluster serves, and the definitions that hold the schemas of its objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import PLURALS
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._crd_schema import is_established, spec_schema
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_api import KubeApi, KubeError

CALICO_API = ("projectcalico.org", "v3")
STORED = ("crd.projectcalico.org", "v1")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLL = 1.0
"""Seconds between two looks at a definition that is not established."""


@dataclass(frozen=True)
class ServedApi:
    """``schemas`` has the schema of ``spec`` by kind; it is empty where the definitions are not there yet."""

    group: str
    version: str
    schemas: dict[str, dict[str, Any]]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    def path(self, kind: str, name: str = "") -> str:
        """The path of a kind's list, or of one object."""
        return f"/apis/{self.api_version}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def find_api(api: KubeApi, kinds: Iterable[str], deadline: Deadline, wait: bool) -> ServedApi:
    """The API to use. Waits until every kind's definition is established, or raises DeadlineError.

    Without ``wait`` a cluster that lacks one gives an answer without schemas.
    """
    kinds = list(dict.fromkeys(kinds))
    while True:
        schemas = {kind: schema for kind in kinds if (schema := _schema(api, kind)) is not None}
        missing = [PLURALS[kind] for kind in kinds if kind not in schemas]
        if not missing:
            group, version = CALICO_API if _serves(api, *CALICO_API) else STORED
            return ServedApi(group, version, schemas)
        if not wait:
            return ServedApi(*STORED, {})
        deadline.pause(POLL, f"{', '.join(missing)} of {STORED[0]} to be established (is Calico's manifest applied?)")


def _serves(api: KubeApi, group: str, version: str) -> bool:
    """Whether a group answers. One whose own server is registered but down counts as absent."""
    try:
        return api.find(f"/apis/{group}/{version}") is not None
    except KubeError as error:
        if error.status == 503:
            return False
        raise


def _schema(api: KubeApi, kind: str) -> dict[str, Any] | None:
    for group, version in (CALICO_API, STORED):
        definition = api.find(f"{DEFINITIONS}/{PLURALS[kind]}.{group}")
        if definition is not None and is_established(definition):
            schema = spec_schema(definition, version)
            if schema is None:
                raise InfraError(f"{PLURALS[kind]}.{group} has no version {version}: it is of a Calico unknown here")
            return schema
    return None
