# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node of a cluster looks like from inside, and what its pods can reach: reading only, judged elsewhere."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._dns_query import DnsError, ask
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_disk import parse_writes
from ansible_collections.detectviz.infra.plugins.module_utils._guest_probe import Run, parse_interfaces, run_pings
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import kubelet_certificates
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import Credentials, HttpsJson
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import read_marks
from ansible_collections.detectviz.infra.plugins.module_utils._node_network import read_default_routes
from ansible_collections.detectviz.infra.plugins.module_utils._node_state import (
    modules_state,
    swap_state,
    sysctls_state,
)
from ansible_collections.detectviz.infra.plugins.module_utils._pod_network import (
    PodNotHere,
    becomes_blocked,
    connection_problem,
    echo,
    in_network,
    pod_process,
    resolver_of,
    start_echo,
)
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import served_certificate

KUBERNETES = Path("/etc/kubernetes")
PKI = KUBERNETES / "pki"
ETCD_PORT = 2379
API_PORT = 6443
ECHO_SIZE = 256 * 1024
"""Bytes: enough for many full segments of any MTU."""
ECHO_TIMEOUT = 10.0
ECHO_PATIENCE = 30.0
"""Seconds that a Service, just made, has to be known on every node."""
POLICY_WAIT = 5.0
"""Seconds that a policy, which was there before its pods, has to be enforced."""
OUTSIDE_TIMEOUT = 5.0
"""Seconds for a connection to a target outside the cluster."""
NAME_PATIENCE = 60.0
"""Seconds that a Service, just made, has to be known to the cluster's DNS."""
DAY = 86400
AT_ONCE = 16


def read_node(run: Run, system: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Volume groups, the kubelet's certificates, the operating system where ``system`` tells what is wanted of it, and on a
    control-plane node the other certificates."""
    return {
        "volume_groups": volume_groups(*run(["vgs", *VGS])),
        "device_mapper": run(["dmsetup", "version"])[0] == 0,
        "certificates": certificates(run) if (PKI / "apiserver.crt").exists() else None,
        "kubelet_certificates": kubelet_certificates(),
        "super_admin": (KUBERNETES / "super-admin.conf").exists(),
        "marks": read_marks(run),
        "system": read_system(run, system) if system else None,
    }


def read_now(run: Run) -> dict[str, Any]:
    """What may be otherwise a moment later: addresses with their prefixes by interface, and on a control-plane node its API
    server, the certificate that it shows, etcd, and etcd's counters of writes (of :func:`_etcd_disk.parse_writes`)."""
    interfaces = parse_interfaces(run(["ip", "-json", "address", "show"])[1])
    etcd, api = (PKI / "etcd/server.crt").exists(), (PKI / "apiserver.crt").exists()
    return {
        "addresses": {name: link["addresses"] for name, link in interfaces.items()},
        "api": _api_health() if api else None,
        "api_certificate": served_certificate(f"https://127.0.0.1:{API_PORT}", str(PKI / "ca.crt")) if api else None,
        "etcd": read_etcd() if etcd else None,
        "etcd_writes": _etcd_writes() if etcd else None,
    }


def read_system(run: Run, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is so of ``wanted`` (swap_allowed, modules, sysctls, interfaces), which comes back beside it for the one who judges."""
    return {
        "wanted": dict(wanted),
        "container": run(["systemd-detect-virt", "--container"])[1].strip() not in ("", "none"),
        "swap": swap_state(run),
        "modules": modules_state(wanted["modules"]),
        "sysctls": sysctls_state(list(wanted["sysctls"])),
        "default_routes": read_default_routes(run),
    }


VGS = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o", "vg_name,vg_size,vg_free"]


def volume_groups(code: int, output: str) -> dict[str, dict[str, int]] | None:
    """``{name: {size, free}}`` in bytes; None where the tools are missing or fail."""
    if code != 0:
        return None
    try:
        rows = json.loads(output)["report"][0]["vg"]
        return {row["vg_name"]: {"size": int(row["vg_size"]), "free": int(row["vg_free"])} for row in rows}
    except (ValueError, KeyError, IndexError):
        return None


def certificates(run: Run) -> dict[str, Any]:
    """Days left by name, as kubeadm tells them, or ``error``."""
    code, output = run(["kubeadm", "certs", "check-expiration", "--output", "json"])
    try:
        rows = json.loads(output[output.index("{") :])["certificates"]
    except (ValueError, KeyError):
        return {"days": {}, "error": f"kubeadm certs check-expiration ended with {code}"}
    return {"days": {row["name"]: row["residualTime"] // DAY for row in rows if not row.get("missing")}, "error": None}


def _api_health() -> str:
    try:
        return str(HttpsJson("127.0.0.1", API_PORT, Credentials(ca=str(PKI / "ca.crt"))).get("/readyz"))
    except InfraError as error:
        return str(error)


def read_etcd() -> dict[str, Any]:
    """This node's own etcd: ``members`` [{name, learner}], ``leader`` (whether it sees one), ``healthy``, ``alarms``, or
    ``error``."""
    try:
        client = _etcd()
        health = client.get("/health")
        members = client.post("/v3/cluster/member/list", {}).get("members") or []
        status = client.post("/v3/maintenance/status", {})
        alarms = client.post("/v3/maintenance/alarm", {}).get("alarms") or []
    except InfraError as error:
        return {"error": str(error)}
    return {
        "error": None,
        "healthy": str(health.get("health")).lower() == "true",
        "members": [
            {"name": member.get("name") or "", "learner": bool(member.get("isLearner"))} for member in members
        ],
        "leader": str(status.get("leader") or "0") != "0",
        "version": status.get("version"),
        "alarms": sorted(str(alarm.get("alarm")) for alarm in alarms),
    }


def _etcd_writes() -> dict[str, float] | None:
    try:
        return parse_writes(str(_etcd().get("/metrics")))
    except InfraError:
        return None


def _etcd() -> HttpsJson:
    credentials = Credentials(
        str(PKI / "etcd/ca.crt"), str(PKI / "etcd/healthcheck-client.crt"), str(PKI / "etcd/healthcheck-client.key")
    )
    return HttpsJson("127.0.0.1", ETCD_PORT, credentials)


def serve_pods(pods: Sequence[Mapping[str, Any]], port: int) -> dict[str, str]:
    """Starts an echo server in each pod. Returns why it did not work, by pod; empty if it did everywhere."""
    problems = {}
    for pod in pods:
        try:
            start_echo(pod_process(pod["uid"]), port)
        except (OSError, PodNotHere) as error:
            problems[str(pod["name"])] = str(error)
    return problems


def reach_from_pods(run: Run, pods: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By pod what it reached of its ``targets`` (of ``_cluster_report.reach_targets``), or ``error``."""
    seen: dict[str, dict[str, Any]] = {}
    for pod in pods:
        try:
            pid = pod_process(pod["uid"])
            resolver = resolver_of(pid)
            targets = pod["targets"]
            seen[str(pod["name"])] = in_network(pid, lambda targets=targets, resolver=resolver: _reach(run, targets, resolver))
        except (OSError, PodNotHere) as error:
            seen[str(pod["name"])] = {"error": str(error)}
    return seen


def _reach(run: Run, targets: Mapping[str, Any], resolver: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Runs in the pod's network namespace."""
    links = parse_interfaces(run(["ip", "-json", "address", "show"])[1])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        echoes = list(pool.map(_echo, targets["echo"]))
    return {
        "error": None,
        "mtu": {name: link["mtu"] for name, link in links.items()},
        "pings": run_pings(run, targets["pings"]),
        "echo": echoes,
        "blocked": [
            {**target, "blocked": becomes_blocked(target["address"], target["port"], POLICY_WAIT)}
            for target in targets["blocked"]
        ],
        "resolver": resolver,
        "names": resolve_known(targets["names"], lambda name: _resolve(name, resolver)),
        "outside": [reach_outside(target, lambda name: _resolve(name, resolver)) for target in targets["outside"]],
    }


def reach_outside(target: Mapping[str, Any], look_up: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """``host`` and ``port`` outside the cluster, with ``named`` (what ``look_up`` tells; null for an address), ``reached`` (the
    address that a connection was made to, or null) and ``error``."""
    named = None if _is_address(target["host"]) else look_up(target["host"])
    error = ""
    for address in [target["host"]] if named is None else named["addresses"]:
        error = connection_problem(address, target["port"], OUTSIDE_TIMEOUT)
        if not error:
            return {**target, "named": named, "reached": address, "error": ""}
    return {**target, "named": named, "reached": None, "error": error or "its name has no address"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _echo(target: Mapping[str, Any]) -> dict[str, Any]:
    return {**target, **echo(target["address"], target["port"], ECHO_SIZE, ECHO_TIMEOUT, ECHO_PATIENCE)}


def resolve_known(
    names: Iterable[str], look_up: Callable[[str], dict[str, Any]], patience: float = NAME_PATIENCE, pause: float = 1.0
) -> dict[str, dict[str, Any]]:
    """What ``look_up`` tells of each name, asked again while one has no address and ``patience`` seconds are not over.

    The cluster's DNS hears of a new Service from the API server, and asks that again less and less often while it is away.
    """
    end = time.monotonic() + patience
    found = {name: look_up(name) for name in names}
    while (unknown := [name for name, told in found.items() if not told["addresses"]]) and time.monotonic() < end:
        time.sleep(pause)
        found.update({name: look_up(name) for name in unknown})
    return found


def _resolve(name: str, resolver: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a program in the pod would get: the search list first, as pods have it (ndots:5)."""
    error = "resolv.conf names no server"
    for server in resolver["servers"]:
        for candidate in [*(f"{name}.{domain}" for domain in resolver["search"]), name]:
            try:
                found = [*ask(server, candidate, "A"), *ask(server, candidate, "AAAA")]
            except DnsError as problem:
                error = str(problem)
                continue
            if found:
                return {"addresses": sorted(found), "error": None}
            error = f"{server} knows no such name"
    return {"addresses": [], "error": error}
