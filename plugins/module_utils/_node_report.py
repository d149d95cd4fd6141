# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected beside found for one node of a cluster: its object, its components, what was read in it and its pods."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import days_left
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_info import ON_EVERY_NODE
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_disk import LIMIT, is_slow
from ansible_collections.detectviz.infra.plugins.module_utils._image_names import tag_of
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    CLIENT_CERTIFICATE,
    SERVING_CERTIFICATE,
)
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import stands_for
from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import GIB, MISS, OK, UNVERIFIED, Row
from ansible_collections.detectviz.infra.plugins.module_utils._node_disks import least_group_size
from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import matches, upstream
from ansible_collections.detectviz.infra.plugins.module_utils._probe_pods import DENIED, GUARDED
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name
from ansible_collections.detectviz.infra.plugins.module_utils._system_report import compare_system

Make = Callable[..., Row]
"""``(check, expected, found[, verdict])`` → a row of the node."""

NODE_OBJECT = "node object"
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""Static pods of a master that are of Kubernetes' own version."""
CONTROL_PLANE = ("etcd", *KUBERNETES, "kube-vip")
GOOD_CONDITIONS = {
    "Ready": "True",
    "DiskPressure": "False",
    "MemoryPressure": "False",
    "PIDPressure": "False",
    "NetworkUnavailable": "False",
}
NO_POLICY = "NetworkPolicy is not enforced"
"""Words by which a stand-in for Calico says so in its annotation. Believed where the site allows stand-ins and the image that
runs is marked as one."""
NETWORK_IMAGE = "calico/node"
KUBELET = {str(CLIENT_CERTIFICATE): "client", str(SERVING_CERTIFICATE): "serving"}


def row_maker(subject: str) -> Make:
    """Rows about a subject; without a verdict they are OK when expected and found are equal."""

    def make(check: str, expected: Any, found: Any, verdict: str | None = None) -> Row:
        return Row(subject, check, str(expected), str(found), verdict or (OK if expected == found else MISS))

    return make


def compare_versions(row: Make, check: str, wanted: str, found: Sequence[str]) -> Row:
    """Whether all versions ``found``, and there are any, are of Kubernetes ``wanted``, which may be ``1.36`` or ``1.36.3``."""
    version = str(wanted).removeprefix("v")
    fits = [text.removeprefix("v") == version or text.removeprefix("v").startswith(f"{version}.") for text in found]
    return row(check, f"v{version}", ", ".join(found) or "none", OK if fits and all(fits) else MISS)


def compare_names(row: Make, shown: Mapping[str, Any] | None, wanted: Sequence[str]) -> Row:
    """Whether the certificate that an API server has ``shown`` (of :func:`_served_certificate.served_certificate`) has all names."""
    check, expected = "names in the API's certificate", f"{len(wanted)} names"
    if shown is None or shown["error"]:
        return row(check, expected, (shown or {}).get("error") or "none", MISS)
    missing = [name for name in wanted if plain_name(name) not in shown["names"]]
    return row(check, expected, f"missing: {', '.join(missing)}" if missing else "all there", MISS if missing else OK)


def image_tags(pods: Sequence[Mapping[str, Any]], app: str) -> list[str]:
    """Those of the images of an application's pods, each once."""
    return sorted({tag_of(image) or "no tag" for pod in pods if pod["app"] == app for image in pod["images"]})


def compare_node(
    wanted: Mapping[str, Any],
    cluster: Mapping[str, Any],
    probe: Mapping[str, Any] | None,
    expected: Mapping[str, Any],
    now: datetime.datetime,
) -> Iterator[Row]:
    """All rows of one node. ``wanted`` is its row of :func:`_cluster_report.cluster_nodes`."""
    name = wanted["name"]
    row = row_maker(name)
    node = cluster["nodes"].get(name)
    yield row(NODE_OBJECT, "there", "there" if node else "there is none: the machine has not joined")
    if node:
        yield from _compare_object(row, wanted, node, expected)
        yield from _compare_components(row, wanted, cluster["pods"], expected["version"])
    inside = wanted.get("inside")
    if inside is None:
        yield row("inspected", "over SSH", wanted.get("reason") or "no answer", MISS)
    else:
        yield from _compare_inside(row, wanted, inside, expected, now)
    yield from _compare_reach(row, wanted, node or {}, probe, expected)


def _compare_object(
    row: Make, wanted: Mapping[str, Any], node: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[Row]:
    for condition, good in GOOD_CONDITIONS.items():
        found = node["conditions"].get(condition)
        # NetworkUnavailable is set by the network's own program, and only by some.
        if found is not None or condition != "NetworkUnavailable":
            yield row(condition, good, found or "not told")
    yield row("taints", ", ".join(wanted["taints"]) or "none", ", ".join(node["taints"]) or "none")
    if node.get("standin") and not expected["allow_standins"]:
        yield row("stand-ins", "none", node["standin"])
    yield row("schedulable", "yes", "cordoned" if node["unschedulable"] else "yes")
    wanted_ips = wanted["node_ips"] or [wanted["address"]]
    yield row("InternalIP", ", ".join(map(str, wanted_ips)), ", ".join(node["addresses"]) or "none",
              OK if node["addresses"][: len(wanted_ips)] == wanted_ips else MISS)  # fmt: skip
    # Calico looks for an address by itself, and finds another one where a node has several.
    method = expected["calico_address_detection"]
    chosen = bool(node["calico"]) if method else sorted(node["calico"]) == sorted(map(str, wanted_ips))
    yield row("Calico's address", f"one by {method}" if method else ", ".join(map(str, wanted_ips)),
              ", ".join(node["calico"]) or "none", OK if chosen else MISS)  # fmt: skip
    yield compare_versions(row, "kubelet", expected["version"], [str(node["kubelet"])])
    # A node may have its own, as far as it matters. Of a package's version containerd tells the part that it was made from.
    version = str(wanted["containerd_version"] or expected["containerd_version"])
    name, _sign, runtime = str(node["runtime"]).partition("://")
    fits = name == "containerd" and matches(runtime.removeprefix("v"), upstream(version))
    yield row("container runtime", f"containerd {version}", node["runtime"], OK if fits else MISS)
    missing = [f"{key}={value}" for key, value in wanted["labels"].items() if node["labels"].get(key) != value]
    yield row("labels", ", ".join(f"{key}={value}" for key, value in wanted["labels"].items()) or "none",
              f"missing: {', '.join(missing)}" if missing else "all there", MISS if missing else OK)  # fmt: skip


def _compare_components(
    row: Make, wanted: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], version: str
) -> Iterator[Row]:
    here = [pod for pod in pods if pod["node"] == wanted["name"]]
    apps = (*ON_EVERY_NODE, *(CONTROL_PLANE if wanted["control_plane"] else ()))
    for app in apps:
        mine = [pod for pod in here if pod["app"] == app]
        running = [pod for pod in mine if pod["phase"] == "Running" and pod["ready"]]
        found = "1 ready" if len(mine) == len(running) == 1 else _pods_text(mine)
        yield row(app, "1 ready", found)
        # One that is not there is told already.
        if app in KUBERNETES and mine:
            yield compare_versions(row, f"version of {app}", version, image_tags(mine, app))


def _pods_text(pods: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{pod['name']} {pod['reason'] or pod['phase']}" for pod in pods) or "none"


def _compare_inside(
    row: Make,
    wanted: Mapping[str, Any],
    inside: Mapping[str, Any],
    expected: Mapping[str, Any],
    now: datetime.datetime,
) -> Iterator[Row]:
    yield _made_in_lab(row, inside["marks"], bool(expected["allow_standins"]))
    yield from compare_system(row, inside.get("system"))
    if wanted["data_disks"]:
        yield _volume_group(row, inside, expected["volume_group"], least_group_size(wanted["data_disks"]))
    yield _kubelet_certificates(row, inside["kubelet_certificates"], int(expected["certificate_days"]), now)
    if not wanted["control_plane"]:
        return
    yield row("API server of the node", "ok", inside["api"] or "none")
    yield compare_names(row, inside["api_certificate"], expected["certificate_names"])
    yield from _compare_etcd(row, inside["etcd"], expected["masters"])
    yield _etcd_disk(row, wanted["etcd_writes"])
    yield _certificates(row, inside["certificates"], int(expected["certificate_days"]))
    yield row("super-admin.conf", "removed", "still there" if inside["super_admin"] else "removed")


def _made_in_lab(row: Make, marks: Sequence[Mapping[str, Any]], allowed: bool) -> Row:
    """Packages and images that say of themselves that they are no original."""
    found = ", ".join(f"{mark['name']} ({mark['text']})" for mark in marks) or "none"
    if allowed and marks:
        return row("made in a lab", "none, or on a site that allows it", found, UNVERIFIED)
    return row("made in a lab", "none", found)


def _volume_group(row: Make, inside: Mapping[str, Any], name: str, least: int) -> Row:
    check, found = f"volume group {name}", inside["volume_groups"]
    expected = f"{least / GIB:.1f} GiB or more"
    if not inside["device_mapper"]:
        return row(check, expected, "the kernel has no device mapper", UNVERIFIED)
    if found is None:
        return row(check, expected, "the LVM tools do not answer", MISS)
    if name not in found:
        return row(check, expected, ", ".join(found) or "no volume group", MISS)
    size, free = (found[name][key] for key in ("size", "free"))
    return row(check, expected, f"{size / GIB:.1f} GiB, {free / GIB:.1f} free", OK if size >= least else MISS)


def _compare_etcd(row: Make, etcd: Mapping[str, Any] | None, masters: Sequence[str]) -> Iterator[Row]:
    if etcd is None or etcd["error"]:
        yield row("etcd's health", "healthy", (etcd or {}).get("error") or "none", MISS)
        return
    state = [
        *([] if etcd["healthy"] else ["not healthy"]),
        *([] if etcd["leader"] else ["no leader"]),
        *(f"alarm {alarm}" for alarm in etcd["alarms"]),
    ]
    yield row("etcd's health", "healthy", ", ".join(state) or "healthy")
    members = sorted(f"{member['name']}{' (learner)' if member['learner'] else ''}" for member in etcd["members"])
    yield row("etcd members", ", ".join(sorted(masters)), ", ".join(members))


def _etcd_disk(row: Make, spent: Mapping[str, float] | None) -> Row:
    check, expected = "etcd's disk", f"below {LIMIT * 1000:.0f} ms for a write"
    if spent is None:
        return row(check, expected, "no writes were seen", UNVERIFIED)
    found = f"{spent['seconds'] / spent['writes'] * 1000:.1f} ms, the mean of {spent['writes']:.0f}"
    slow = is_slow(spent)
    if slow is None:
        return row(check, expected, f"{found}: too few writes to judge", UNVERIFIED)
    return row(check, expected, found, MISS if slow else OK)


def _certificates(row: Make, found: Mapping[str, Any] | None, least: int) -> Row:
    check, expected = "certificates", f"valid for {least} days or more"
    if found is None or found["error"] or not found["days"]:
        return row(check, expected, (found or {}).get("error") or "none", MISS)
    first = min(found["days"], key=lambda name: found["days"][name])
    left = found["days"][first]
    return row(check, expected, f"{left} days ({first} is the first to end)", OK if left >= least else MISS)


def _kubelet_certificates(row: Make, found: Mapping[str, str], least: int, now: datetime.datetime) -> Row:
    """It renews both by itself; of the serving one it asks, and somebody has to approve that."""
    check, expected = "kubelet's certificates", f"valid for {least} days or more"
    left = {what: days_left(found.get(path) or "", now) for path, what in KUBELET.items()}
    unknown = [f"{what}: none" for what, days in left.items() if days is None]
    known = {what: days for what, days in left.items() if days is not None}
    text = [f"{what}: {days} days" for what, days in known.items()]
    good = not unknown and min(known.values()) >= least
    return row(check, expected, ", ".join([*text, *unknown]), OK if good else MISS)


def _compare_reach(
    row: Make,
    wanted: Mapping[str, Any],
    node: Mapping[str, Any],
    probe: Mapping[str, Any] | None,
    expected: Mapping[str, Any],
) -> Iterator[Row]:
    reach, unseen = wanted.get("reach") or {}, False
    for pod in (probe or {}).get("pods") or []:
        if pod["node"] != wanted["name"]:
            continue
        if pod["reason"]:
            yield row(f"pod {pod['name']}", "running", pod["reason"], MISS)
            continue
        problem = (wanted.get("serve_problems") or {}).get(pod["name"])
        if problem:
            yield row(f"pod {pod['name']}", "made to echo", problem, MISS)
        seen = reach.get(pod["name"])
        if seen is None:
            # The guarded pod is only looked at from others.
            unseen = unseen or pod["role"] != GUARDED
        elif seen["error"]:
            yield row(f"pod {pod['name']}", "looked from", seen["error"], MISS)
        else:
            standin = stands_for((wanted.get("inside") or {}).get("marks") or [], NETWORK_IMAGE)
            yield from _compare_pod(row, pod, seen, node, expected, standin)
    # Of a node that was not looked at it is told already.
    if unseen and wanted.get("inside") is not None:
        yield row("its pods", "looked from", wanted.get("reach_reason") or "no answer", MISS)


def _compare_pod(
    row: Make,
    pod: Mapping[str, Any],
    seen: Mapping[str, Any],
    node: Mapping[str, Any],
    expected: Mapping[str, Any],
    standin: bool,
) -> Iterator[Row]:
    denied = pod["role"] == DENIED
    who = "denied pod" if denied else "pod"
    if not denied:
        mtus = ", ".join(str(mtu) for mtu in seen["mtu"].values())
        yield row("MTU of pods", expected["cni_mtu"], mtus, OK if mtus == str(expected["cni_mtu"]) else MISS)
    for ping in seen["pings"]:
        lost = ping["sent"] - ping["received"]
        found = "all came back"
        if lost:
            found = f"{lost} of {ping['sent']} lost"
            found += ": small packets pass, so the path is too narrow" if ping["small"] else ""
        yield row(f"{who}: {ping['mtu']} bytes to {ping['target']} {ping['address']}", "all came back", found)
    for target in seen["echo"]:
        found = target["error"] or f"all came back, in segments of {target['segment']}"
        check = f"{who}: 256 KiB by TCP to {target['target']} {target['address']}"
        yield row(check, "all came back", found, MISS if target["error"] else OK)
    for name, answer in seen["names"].items():
        wanted = ", ".join(sorted(expected["names"].get(name) or [])) or "an address"
        got = ", ".join(answer["addresses"]) or str(answer["error"])
        fits = answer["addresses"] == sorted(expected["names"][name]) if expected["names"].get(name) else False
        yield row(f"{who}: DNS {name}", wanted, got, OK if fits else MISS)
    for target in seen["outside"]:
        yield from _compare_outside(row, who, target)
    for target in seen["blocked"]:
        check = f"NetworkPolicy keeps the {who} from {target['target']}"
        if target["blocked"]:
            yield row(check, "kept off", "kept off")
        elif NO_POLICY in str(node.get("standin")) and expected["allow_standins"] and standin:
            yield row(check, "kept off", f"a stand-in for Calico runs here: {NO_POLICY}", UNVERIFIED)
        else:
            yield row(check, "kept off", "it gets through")


def _compare_outside(row: Make, who: str, target: Mapping[str, Any]) -> Iterator[Row]:
    host, named = target["host"], target["named"]
    if named is not None:
        found = ", ".join(named["addresses"]) or str(named["error"])
        yield row(f"{who}: DNS {host}, outside", "an address", found, OK if named["addresses"] else MISS)
    found = f"connected to {target['reached']}" if target["reached"] else target["error"]
    yield row(f"{who}: TCP to {host} port {target['port']}, outside", "connected", found, OK if target["reached"] else MISS)
