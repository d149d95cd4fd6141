# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every probe pod has to reach, from the pods that were made. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._probe_pods import DENIED, EACH, GUARDED

PINGS = 3
SERVICE_TRIES = 2
OUTSIDE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})")
"""``name:port``, ``address:port`` or ``[IPv6 address]:port``."""


def reach_targets(
    probe: Mapping[str, Any] | None,
    node: str,
    mtu: int | str,
    services: Mapping[str, Sequence[str]],
    egress: Sequence[str] = (),
) -> dict[str, Any]:
    """``serve`` and ``reach`` of the module ``node_probe`` for the pods on one node.

    ``probe`` is what ``cluster_probe_pods`` returned, ``mtu`` that of the pods' network in bytes (text where a template of
    ansible-core 2.18 made it), ``services`` the addresses of ``kubernetes`` and of ``probe``'s own Service by name, for DNS.
    ``egress`` are targets outside the cluster, of the form of OUTSIDE. Raises InfraError for one of another form.
    """
    outside = [outside_target(text) for text in egress]
    pods = [pod for pod in (probe or {}).get("pods") or [] if pod["addresses"]]
    mine = [pod for pod in pods if pod["node"] == node]
    if not probe or not mine:
        return {"serve": [], "reach": []}
    serve = [{"name": pod["name"], "uid": pod["uid"]} for pod in mine if pod["role"] != DENIED]
    names = {"kubernetes.default": services.get("kubernetes") or []}
    names[f"{probe['service']['name']}.{probe['namespace']}"] = probe["service"]["addresses"]
    reach = [
        {"name": pod["name"], "uid": pod["uid"], "targets": _targets(pod, pods, probe, int(mtu), names, outside)}
        for pod in mine
        if pod["role"] in (EACH, DENIED)
    ]
    return {"serve": serve, "reach": reach}


def outside_target(text: str) -> dict[str, Any]:
    """``host`` (a name or an address) and ``port`` of what the site has written."""
    match = OUTSIDE.fullmatch(str(text))
    if match is None or not 0 < int(match[3]) < 1 << 16:
        raise InfraError(
            f"cluster_checks_egress: {text!r} is no target. Write name:port, address:port or [IPv6 address]:port, such as "
            "example.org:443"
        )
    return {"host": match[1] or match[2], "port": int(match[3])}


def _targets(
    pod: Mapping[str, Any],
    pods: Sequence[Mapping[str, Any]],
    probe: Mapping[str, Any],
    mtu: int,
    names: Mapping[str, Sequence[str]],
    outside: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    port = probe["port"]
    others = [other for other in pods if other["role"] == EACH and other["name"] != pod["name"]]
    guarded = [other for other in pods if other["role"] == GUARDED]
    if pod["role"] == DENIED:
        # It reaches the guarded pod's neighbour: so it is the policy that keeps it from the guarded one.
        beside = [other for other in others if guarded and other["node"] == guarded[0]["node"]]
        return {
            "pings": [],
            "echo": _echo(beside, port),
            "blocked": _echo(guarded, port),
            "names": {},
            "outside": [],
        }
    pings = [
        {"address": address, "mtu": mtu, "count": PINGS, "target": f"the pod on {other['node']}", "optional": False}
        for other in others
        for address in other["addresses"]
    ]
    service = [
        {"address": address, "port": port, "target": f"Service {probe['service']['name']}"}
        for address in probe["service"]["addresses"]
        for _try in range(SERVICE_TRIES)
    ]
    return {
        "pings": pings,
        "echo": _echo([*others, *guarded], port) + service,
        "blocked": [],
        "names": dict(names),
        "outside": list(outside),
    }


def _echo(pods: Sequence[Mapping[str, Any]], port: int) -> list[dict[str, Any]]:
    return [
        {
            "address": address,
            "port": port,
            "target": "the guarded pod" if pod["role"] == GUARDED else f"the pod on {pod['node']}",
        }
        for pod in pods
        for address in pod["addresses"]
    ]
