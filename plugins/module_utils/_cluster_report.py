# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected beside found for a whole cluster. Everything is compared, so that one run tells every miss. Pure."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._calico_rules import is_as_wanted
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_info import ON_EVERY_NODE, taint_text
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_disk import between
from ansible_collections.detectviz.infra.plugins.module_utils._image_names import name_of
from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import (
    MISS,
    OK,
    UNVERIFIED,
    Row,
    summary_text,
)
from ansible_collections.detectviz.infra.plugins.module_utils._node_report import (
    NODE_OBJECT,
    compare_names,
    compare_node,
    compare_versions,
    image_tags,
    row_maker,
)
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

CLUSTER = "cluster"
"""What the rows about no single node are called."""
CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
DNS = "coredns"
CALICO_CONTROLLERS = "calico-kube-controllers"
TABLE_NODES = "nodes"
KUBE_VIP_IMAGES = ("kube-vip", "kube-vip-iptables")
LEASE = "lease of the VIP"
THERE = (NODE_OBJECT, TABLE_NODES)
"""Whether a node is there does not come and go on a busy machine: what is so at the second look counts."""
LONG = 160
"""Characters that are shown of what was not verified."""
DNS_PODS = 2
"""As kubeadm makes them: with one of them a node that is lost takes the names of the whole cluster with it."""


def cluster_nodes(
    names: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    derived: Mapping[str, Any],
    schedulable_masters: bool = False,
) -> list[dict[str, Any]]:
    """One row per machine of the cluster: what the site expects, and what the role ``cluster_checks`` saw.

    name, control_plane, address, node_ips, labels, taints, data_disks (sizes in GiB), containerd_version (null unless the machine
    has its own); inside, and later, which is that at the second look; serve_problems, reach, etcd_writes (of
    :func:`_etcd_disk.between`), and reason where there is no inside, reach_reason where there is no reach.
    """
    rows = []
    for name in names:
        variables = hostvars[name]
        master = variables.get("node_role") == "control_plane"
        answer = variables.get("cluster_checks_node") or {}
        again = variables.get("cluster_checks_reach") or {}
        later = again.get("probe") or {}
        probe = answer.get("probe") or {}
        now, then = probe.get("now") or {}, later.get("now") or {}
        inside = {**probe["node"], **now} if probe.get("node") else None
        taints = [_taint(item) for item in variables.get("taints") or []]
        if master and not schedulable_masters:
            taints.append(CONTROL_PLANE_TAINT)
        labels = dict((derived.get("node_labels") or {}).get(name) or {})
        rows.append(
            {
                "name": str(name),
                "control_plane": master,
                "address": (derived.get("node_addresses") or {}).get(name),
                "node_ips": (derived.get("node_ips") or {}).get(name) or [],
                "labels": {**labels, **({CONTROL_PLANE_LABEL: ""} if master else {})},
                "taints": sorted(taints),
                "data_disks": [disk["size_gb"] for disk in (variables.get("disks") or [])[1:]],
                "containerd_version": variables.get("containerd_version"),
                "inside": inside,
                "later": inside and {**inside, **then},
                "serve_problems": probe.get("serve_problems") or {},
                "reach": later.get("reach") or {},
                "etcd_writes": between(now.get("etcd_writes"), then.get("etcd_writes")),
                "reason": _last_line(answer.get("msg")),
                "reach_reason": _last_line(again.get("msg")),
            }
        )
    return rows


def _taint(item: Any) -> str:
    return item if isinstance(item, str) else taint_text(item)


def _last_line(text: Any) -> str:
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def build_cluster_report(
    nodes: Sequence[Mapping[str, Any]], seen: Mapping[str, Any], expected: Mapping[str, Any], now: str
) -> dict[str, Any]:
    """Compare a cluster with what the site says.

    ``nodes`` are rows of :func:`cluster_nodes`. ``seen`` has cluster (of ``cluster_info``, or null), later (as cluster, at the
    second look), probe (of ``cluster_probe_pods``, or null), reason (why cluster or probe is null), backup (Unix time of the
    newest, or null) and kubeconfig (row of ``certificate_rows`` of the one on the control machine, or null).
    ``expected`` has version, endpoint, vip, masters, certificate_names, pod_cidrs, service_cidrs, proxy_mode, cni_mtu,
    felix, pools, kube_vip_version, calico_version, containerd_version, volume_group, certificate_days, allow_standins,
    backup_hours (0: not asked for).
    ``now`` is a time in ISO 8601.

    Returns rows, misses, unverified, and text (a table).
    """
    rows = _at_two_looks(nodes, seen, expected, datetime.datetime.fromisoformat(now.replace("Z", "+00:00")))
    return {
        "rows": [asdict(row) for row in rows],
        "misses": [asdict(row) for row in rows if row.verdict == MISS],
        "unverified": [asdict(row) for row in rows if row.verdict == UNVERIFIED],
        "text": _text(rows),
    }


def _text(rows: Sequence[Row]) -> str:
    """Counts, then what is not ok, once for all of whom it is the same. Addresses, labels and reasons are too long for columns:
    each has its own line."""
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for row in rows:
        if row.verdict != OK:
            found = row.found if row.verdict == MISS or len(row.found) <= LONG else f"{row.found[:LONG]}… (all of it is in the report)"
            alike.setdefault((row.verdict, row.check, row.expected, found), []).append(row.guest)
    lines = [summary_text(rows, "subject")]
    for (verdict, check, expected, found), guests in alike.items():
        lines += ["", f"{verdict}: {', '.join(guests)}: {check}", f"  expected  {expected}", f"  found     {found}"]
    return "\n".join(lines)


def _at_two_looks(
    nodes: Sequence[Mapping[str, Any]], seen: Mapping[str, Any], expected: Mapping[str, Any], now: datetime.datetime
) -> list[Row]:
    """What is right at one look is right: something healthy does not answer in time once on a busy machine, and an address that
    moves while the nodes are looked at is on two of them, or on none. What is not is told as it is at the second look."""
    afterwards = {**seen, "cluster": seen.get("later") or seen.get("cluster")}
    first = _numbered(_compare(nodes, seen, expected, now))
    second = _numbered(_compare([{**node, "inside": node["later"]} for node in nodes], afterwards, expected, now))
    # Each of the two may be right beside another one: they are right at the same look.
    pair = {f"VIP {expected.get('vip')}", LEASE}
    agree = all(row.verdict == OK for row in first.values() if row.check in pair)
    kept = {
        key: row
        for key, row in first.items()
        if row.verdict == OK and row.check not in THERE and (agree or row.check not in pair)
    }
    return list({**first, **second, **kept}.values())


def _numbered(look: Iterable[Row]) -> dict[tuple[str, str, int], Row]:
    """By subject, check and how often it was made: some things, such as a Service, are tried several times in one look."""
    tries: Counter[tuple[str, str]] = Counter()
    rows = {}
    for row in look:
        tries[row.guest, row.check] += 1
        rows[row.guest, row.check, tries[row.guest, row.check]] = row
    return rows


def _compare(
    nodes: Sequence[Mapping[str, Any]],
    seen: Mapping[str, Any],
    expected: Mapping[str, Any],
    now: datetime.datetime,
) -> Iterator[Row]:
    row = row_maker(CLUSTER)
    cluster = seen.get("cluster")
    if seen.get("kubeconfig"):
        # Told without the API too: it refuses one that has ended.
        yield _compare_kubeconfig(row, seen["kubeconfig"], int(expected["certificate_days"]))
    if not cluster:
        yield row("API", f"answers at {expected['endpoint']}", _last_line(seen.get("reason")) or "no answer", MISS)
        return
    yield from _compare_api(row, cluster, expected, now)
    yield from _compare_vip(row, nodes, cluster, expected)
    yield _compare_kube_vips(row, cluster, expected)
    yield from _compare_settings(row, cluster, expected)
    yield from _compare_counts(row, nodes, cluster)
    yield _compare_backup(row, seen.get("backup"), float(expected.get("backup_hours") or 0), now)
    if not seen.get("probe"):
        yield row("pods to look from", "made", _last_line(seen.get("reason")) or "none", MISS)
    probe = seen.get("probe")
    yield from _compare_egress(row, nodes)
    names = {"kubernetes.default": cluster["services"]["kubernetes"]}
    if probe:
        names[f"{probe['service']['name']}.{probe['namespace']}"] = probe["service"]["addresses"]
    for node in nodes:
        yield from compare_node(node, cluster, probe, {**expected, "names": names}, now)


def _compare_api(
    row: Any, cluster: Mapping[str, Any], expected: Mapping[str, Any], now: datetime.datetime
) -> Iterator[Row]:
    server = str(cluster["server"]).removeprefix("https://")
    yield row("asked at", expected["endpoint"], server)
    yield compare_versions(row, "API version", expected["version"], [cluster["version"]])
    lines = cluster["health"].splitlines() or ["no answer"]
    yield row("API health", "ok", ", ".join(line for line in lines if line.startswith("[-]")) or lines[-1])
    certificate = cluster["certificate"]
    yield compare_names(row, certificate, expected["certificate_names"])
    if certificate["not_after"]:
        days = (datetime.datetime.fromisoformat(certificate["not_after"]) - now).days
        least = int(expected["certificate_days"])
        yield row("certificate of the API", f"valid for {least} days or more", f"{days} days",
                  OK if days >= least else MISS)  # fmt: skip


def _compare_vip(
    row: Any, nodes: Sequence[Mapping[str, Any]], cluster: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[Row]:
    """Who holds the address was read on the nodes; that the API answers at it, by asking it."""
    vip = expected["vip"]
    holders = [node["name"] for node in nodes if node["inside"] and _holds(node["inside"]["addresses"], vip)]
    good = len(holders) == 1 and holders[0] in expected["masters"]
    yield row(f"VIP {vip}", "held by one master", ", ".join(holders) or "nobody", OK if good else MISS)
    lease = cluster["lease"]
    if lease is None:
        yield row(LEASE, "one holder, renewed", "there is no lease")
        return
    agrees = lease["renewed"] and lease["holder"] in expected["masters"] and (not holders or lease["holder"] in holders)
    wanted = holders[0] if good else "one master"
    found = "renewed" if lease["renewed"] else f"not renewed in {lease['watched']:.0f} s"
    yield row(LEASE, f"{wanted}, renewed", f"{lease['holder'] or 'nobody'}, {found}", OK if agrees else MISS)


def _compare_kube_vips(row: Any, cluster: Mapping[str, Any], expected: Mapping[str, Any]) -> Row:
    """Each master has a static pod of kube-vip. Any other, such as a DaemonSet's, contends with it for lease, VIP and port."""
    others = [
        f"{pod['name']} on {pod['node']}"
        for pod in cluster["pods"]
        if any(name_of(image) in KUBE_VIP_IMAGES for image in pod["images"])
        and not (pod["static"] and pod["node"] in expected["masters"])
    ]
    return row("kube-vip beside the masters' static pods", "none", ", ".join(sorted(others)) or "none")


def _holds(interfaces: Mapping[str, Sequence[str]], vip: str) -> bool:
    return any(plain_name(text.split("/")[0]) == plain_name(vip) for addresses in interfaces.values() for text in addresses)


def _compare_settings(row: Any, cluster: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Row]:
    kubeadm = cluster["kubeadm"]
    yield row("kubeadm's endpoint", expected["endpoint"], kubeadm["endpoint"] or "none")
    for key, what in (("pod_cidrs", "pod networks"), ("service_cidrs", "service networks")):
        yield row(what, ", ".join(expected[key]), ", ".join(kubeadm[key]) or "none")
    yield row("kube-proxy's mode", expected["proxy_mode"], cluster["proxy_mode"] or "none")
    felix = cluster["felix"]
    for field, value in expected["felix"].items():
        # What is given as null is not set by the role either.
        if value is not None:
            found = "there is no FelixConfiguration default" if felix is None else felix.get(field, "not set")
            good = felix is not None and is_as_wanted(field, value, felix.get(field))
            yield row(f"Felix: {field}", value, found, OK if good else MISS)
    for name, wanted in expected["pools"].items():
        pool = cluster["pools"].get(name)
        for field, value in wanted.items():
            found = "there is no such pool" if pool is None else pool.get(field, "not set")
            yield row(f"pool {name}: {field}", value, found)
    others = sorted(name for name, pool in cluster["pools"].items() if name not in expected["pools"] and not pool.get("disabled"))
    yield row("other pools in use", "none", ", ".join(others) or "none")
    for app, version in (("kube-vip", expected["kube_vip_version"]), ("calico-node", expected["calico_version"])):
        yield row(f"version of {app}", version, ", ".join(image_tags(cluster["pods"], app)) or "none")
    yield compare_versions(row, "version of kube-proxy", expected["version"], image_tags(cluster["pods"], "kube-proxy"))


def _compare_counts(row: Any, nodes: Sequence[Mapping[str, Any]], cluster: Mapping[str, Any]) -> Iterator[Row]:
    known = {node["name"] for node in nodes}
    strangers = sorted(set(cluster["nodes"]) - known)
    yield row(TABLE_NODES, f"{len(nodes)} of the table", f"{len(set(cluster['nodes']) & known)} of the table"
              + (f", and {', '.join(strangers)}" if strangers else ""))  # fmt: skip
    for name in ON_EVERY_NODE:
        found = cluster["controllers"].get(name)
        text = f"{found['ready']} ready of {found['wanted']}" if found else "there is none"
        yield row(f"DaemonSet {name}", f"{len(nodes)} ready of {len(nodes)}", text)
    # A cluster of one node loses its names with the node, however many pods it has.
    several = max(len(nodes), len(cluster["nodes"])) > 1
    yield _compare_deployment(row, DNS, cluster["controllers"].get(DNS), DNS_PODS if several else 1)
    yield _compare_deployment(row, CALICO_CONTROLLERS, cluster["controllers"].get(CALICO_CONTROLLERS), 1)


def _compare_deployment(row: Any, name: str, found: Mapping[str, int] | None, least: int) -> Row:
    expected = f"{least} or more pods, all ready"
    if found is None:
        return row(name, expected, "there is none", MISS)
    good = found["wanted"] >= least and found["ready"] >= found["wanted"]
    return row(name, expected, f"{found['ready']} ready of {found['wanted']}", OK if good else MISS)


def _compare_egress(row: Any, nodes: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """That nobody has named a target. What was reached of one that is named are rows of each node."""
    looked = [seen for node in nodes for seen in node["reach"].values() if not seen["error"]]
    if looked and not any(seen["outside"] for seen in looked):
        yield row("from pods to the outside", "not asked for", "no target is named (cluster_checks_egress)", UNVERIFIED)


def _compare_kubeconfig(row: Any, found: Mapping[str, Any], least: int) -> Row:
    days = int(found["days_left"])
    text = f"{days} days" if days >= 0 else str(found["text"])
    good = days >= least
    return row("certificate in the kubeconfig", f"valid for {least} days or more",
               text if good else f"{text}; {found['remedy']}", OK if good else MISS)  # fmt: skip


def _compare_backup(row: Any, newest: float | None, hours: float, now: datetime.datetime) -> Row:
    if newest is None:
        return row("backup of etcd", "one" if hours else "not asked for", "none", MISS if hours else UNVERIFIED)
    age = (now.timestamp() - newest) / 3600
    wanted = f"at most {hours:g} hours old" if hours else "any age"
    return row("backup of etcd", wanted, f"{age:.1f} hours old", OK if not hours or age <= hours else MISS)
