# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the versions that run and the one that is wanted to what is done on each node, and what forbids it. Pure.

Nothing is remembered between runs but what is on the nodes and in the cluster, so a run that was killed anywhere is gone
on with by the same plan: what is done is seen to be done.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_upgrade import APPLY, NODE, VERSIONED
from ansible_collections.detectviz.infra.plugins.module_utils._node_packages import matches, newest, upstream

KUBEADM, CONTROL_PLANE, KUBELET, RELEASE = "kubeadm", "control_plane", "kubelet", "release"
"""Steps of a node, in their order: the package of kubeadm; what kubeadm does; drain, runtime, packages and kubelet; given
back."""
PACKAGES = ("kubelet", "kubeadm", "kubectl")
P2_KEEPS = ("kubelet", "kubeadm")
"""Those that P2 replaces on no node, whatever it is told."""
KUBELET_SKEW = 3
CERTIFICATE_DAYS = 1
SOON = 30

DEPRECATED, BUDGETS, BARE, END_OF_LIFE = "deprecated_apis", "budgets", "bare_pods", "end_of_life"
ACCEPTABLE = (DEPRECATED, BUDGETS, BARE, END_OF_LIFE)
"""Problems that a user may take upon himself, by name."""

BROUGHT_UP = "bring the cluster back first (playbooks/p2_kubernetes.yml with kubernetes_version set to what runs, as a minor version)"
"""P2 refuses for another version, and names the upgrade."""
BY_HAND = "bring it back by hand (journalctl -u kubelet there tells why), as playbooks/p2_kubernetes.yml refuses while versions differ"
"""The same once an upgrade is begun: no version is what runs."""

Version = tuple[int, ...]
Problem = tuple[str, str]
"""Kind, which is empty for what nobody may accept, and text."""


def parse(version: str | None) -> Version | None:
    """``v1.36.3`` → (1, 36, 3); None for what is no version."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version or "")
    return tuple(int(part) for part in match.groups()) if match else None


def upgrade_plan(
    nodes: Mapping[str, Mapping[str, Any]],
    workload: Mapping[str, Any],
    masters: Sequence[str],
    workers: Sequence[str],
    wanted: str,
    certificates: Sequence[Mapping[str, Any]] = (),
    accept: Sequence[str] = (),
    drain: bool = True,
    end_of_life: str | None = None,
    today: datetime.date | None = None,
) -> dict[str, Any]:
    """``nodes``: by name what ``kubeadm_upgrade`` observed, with ``packages`` {name: version}, ``available``
    {name: [versions]}, ``offers_error``, ``runtime`` {missing: [text], error} and ``members`` (None without a control plane).
    A ``runtime`` with an error was looked for in vain, and may still be had once its repository is known.
    ``workload``: of ``cluster_workload``. ``certificates``: rows of ``certificate_rows``. ``accept``: of ACCEPTABLE.

    Returns target, current (the lowest version of an API server), problems, accepted, notes, steps {name: [step]},
    commands {name: command of kubeadm}, order (all names), undrained (nodes that are not ready), taken (those that we have taken out
    of use before), lines (the plan in words).

    A node that is not ready forbids the begin of an upgrade, as P2 can mend it. Once one is begun nothing else can, and
    nothing else could go on. A worker comes last; a master comes first if only runtime and kubelet are left to do there, which
    is what it may lack. Neither is drained, as nothing there would end its pods, unless it is ready at its turn.
    """
    everyone = [*masters, *workers]
    unseen = [name for name in everyone if name not in nodes]
    if unseen:
        return _refused([
            f"{name} was not reached: nothing is decided without it; bring it up{_or_taken_out(name, masters)}" for name in unseen
        ])  # fmt: skip
    target = target_version(nodes, everyone, wanted)
    current = _lowest(nodes[name]["api_server"] for name in masters)
    if target is None or current is None:
        told = [] if target else [*_unoffered(nodes, everyone, wanted)]
        told += [] if current else [f"No API server of a master answers: {_way_back(nodes)}"]
        return _refused(told)
    steps, commands = _steps(nodes, workload, masters, workers, target)
    unready = [name for name in everyone if not (workload["nodes"].get(name) or {"ready": True})["ready"]]
    # One that has the packages and did not become ready would end each run before the others' turn.
    last = sorted((name for name in unready if name in workers), key=lambda name: _has(nodes[name], PACKAGES, target))
    halfway = [name for name in masters if name in unready and CONTROL_PLANE not in steps[name] and _old_kubelet(
        nodes[name], workload["nodes"][name], target, ("kubelet",))]  # fmt: skip
    order = [*halfway, *(name for name in everyone if name not in (*halfway, *last)), *last]
    undrained = [name for name in order if name in (*halfway, *last)]
    found = [
        *_skew_problems(nodes, workload, masters, workers, target),
        *_missing_packages(nodes, steps, target),
        *_unhealthy(nodes, workload, everyone, masters, halfway),
        *(_drain_problems(workload, steps, undrained) if drain else ()),
        *_deprecated(nodes, masters, target),
        *_certificate_problems(certificates),
        *_end_of_life(target, end_of_life, today or datetime.datetime.now(datetime.timezone.utc).date()),
    ] if any(steps.values()) else []
    unknown = [kind for kind in accept if kind not in ACCEPTABLE]
    problems = [f"{kind} cannot be accepted; what can is {', '.join(ACCEPTABLE)}" for kind in unknown]
    problems += [text + (f" (or accept {kind})" if kind else "") for kind, text in found if kind not in accept]
    return {
        "target": target, "current": current, "problems": problems,
        "accepted": [text for kind, text in found if kind in accept],
        "notes": [
            *(_goes_on(name, masters) for name in halfway), *(_comes_last(name) for name in last if steps[name]),
            *_unknown_runtimes(nodes, steps), *_ending(certificates),
            *([f"v{_minor(target)} is maintained until {end_of_life}"] if end_of_life else []),
        ],
        "steps": steps, "commands": commands, "order": order, "undrained": undrained,
        "taken": [name for name in everyone if (workload["nodes"].get(name) or {}).get("ours")],
        "lines": [f"{name}: {_words(steps[name], commands.get(name), target, drain and name not in undrained)}" for name in order],
    }  # fmt: skip


def _refused(problems: list[str]) -> dict[str, Any]:
    return {
        "target": None, "current": None, "problems": problems, "accepted": [], "notes": [], "steps": {}, "commands": {},
        "order": [], "undrained": [], "taken": [], "lines": [],
    }  # fmt: skip


def _begun(nodes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether an upgrade has come so far that P2 refuses whatever version it is given: for a minor version that not all have, or a
    kubeadm that is not its kubelet's. Nodes of different patches it leaves as they are, and kubectl alone it may replace."""
    found = [{upstream(node["packages"][name]) for name in P2_KEEPS if node["packages"].get(name)} for node in nodes.values()]
    minors = {_minor(version) for versions in found for version in versions}
    return len(minors) > 1 or any(len(versions) > 1 for versions in found) or any(node["begun"] for node in nodes.values())


def _way_back(nodes: Mapping[str, Mapping[str, Any]]) -> str:
    return BY_HAND if _begun(nodes) else BROUGHT_UP


def _taken_out(name: str) -> str:
    return (
        f"take it out with playbooks/remove_node.yml -e remove={name} -e remove_drain=false, and its row out of the table until "
        "the upgrade is at its end"
    )


def _or_taken_out(name: str, masters: Sequence[str]) -> str:
    """The last way out of a refusal; none for the only master, which ``remove_node`` refuses."""
    return "" if [name] == list(masters) else f", or {_taken_out(name)}"


def _goes_on(name: str, masters: Sequence[str]) -> str:
    return (
        f"{name} is not ready, and its control plane is new: its turn goes on, with its container runtime and kubelet. If that ends "
        f"so again, journalctl -u containerd -u kubelet there tells why{_or_taken_out(name, masters)}"
    )


def _comes_last(name: str) -> str:
    """It may also be what keeps the others from their turn; then to replace it is refused for their versions."""
    return (
        f"{name} is not ready: it comes last, and its pods stay unless it is ready by then. If it cannot be upgraded so, "
        f"{_taken_out(name)}; or, once all others have the version, playbooks/replace_node.yml -e replace={name} -e "
        "kubernetes_packages_replace=true wipes it and joins it again (with -e containerd_replace=true where the site wants another "
        "containerd too)"
    )


def target_version(nodes: Mapping[str, Mapping[str, Any]], names: Sequence[str], wanted: str) -> str | None:
    """``v1.36.3``: the newest version of kubeadm that fits, of those that are offered and those that are installed."""
    known = [version for name in names for version in nodes[name]["available"].get("kubeadm") or []]
    known += [nodes[name]["packages"]["kubeadm"] for name in names if nodes[name]["packages"].get("kubeadm")]
    best = newest(known, wanted)
    return f"v{upstream(best)}" if best else None


def _unoffered(nodes: Mapping[str, Mapping[str, Any]], names: Sequence[str], wanted: str) -> Iterator[str]:
    errors = sorted({nodes[name]["offers_error"] for name in names if nodes[name]["offers_error"]})
    told = f": {'; '.join(errors)}" if errors else ", which can be read"
    yield (
        f"Kubernetes {wanted} is not offered by the repository of its packages{told}. Name a version that is offered, or a "
        "mirror that has it (package_mirrors)"
    )


def _lowest(versions: Any) -> str | None:
    return min((version for version in versions if parse(version)), key=lambda version: parse(version) or (), default=None)


def _minor(version: str) -> str:
    return ".".join(str(part) for part in (parse(version) or ())[:2])


def _steps(
    nodes: Mapping[str, Mapping[str, Any]],
    workload: Mapping[str, Any],
    masters: Sequence[str],
    workers: Sequence[str],
    target: str,
) -> tuple[dict[str, list[str]], dict[str, str]]:
    steps: dict[str, list[str]] = {}
    commands: dict[str, str] = {}
    for name in [*masters, *workers]:
        node, seen = nodes[name], workload["nodes"].get(name) or {}
        kubelet = _old_kubelet(node, seen, target, PACKAGES)
        kubeadm = node["begun"] is not None or (_old_control_plane(node, target) if name in masters else kubelet)
        found = {
            KUBEADM: not _has(node, ("kubeadm",), target),
            CONTROL_PLANE: kubeadm,
            KUBELET: kubelet,
            RELEASE: kubelet or bool(seen.get("ours")),
        }
        steps[name] = [step for step, needed in found.items() if needed]
        if kubeadm:
            commands[name] = NODE
    for name in [*masters, *workers]:
        if (nodes[name]["begun"] or {}).get("command") == APPLY:
            commands[name] = APPLY
    # The cluster's own record of its version is written by that command alone.
    if masters and APPLY not in commands.values() and workload["version"] != target:
        first = next((name for name in masters if name in commands), masters[0])
        commands[first] = APPLY
        steps[first] = [step for step in (KUBEADM, CONTROL_PLANE, KUBELET, RELEASE) if step in [*steps[first], CONTROL_PLANE]]
    return steps, commands


def _old_kubelet(node: Mapping[str, Any], seen: Mapping[str, Any], target: str, packages: Sequence[str]) -> bool:
    """Whether the kubelet, as installed and as it runs, or one of the packages is of another version."""
    return not (node["kubelet"] == seen.get("kubelet") == target and _has(node, packages, target))


def _has(node: Mapping[str, Any], names: Sequence[str], target: str) -> bool:
    versions = [node["packages"].get(name) for name in names]
    return all(version is not None and matches(version, target) for version in versions)


def _old_control_plane(node: Mapping[str, Any], target: str) -> bool:
    return node["api_server"] != target or any(node["static_pods"].get(name) != target for name in VERSIONED)


def _skew_problems(
    nodes: Mapping[str, Mapping[str, Any]],
    workload: Mapping[str, Any],
    masters: Sequence[str],
    workers: Sequence[str],
    target: str,
) -> Iterator[Problem]:
    wanted = parse(target) or ()
    servers = {name: version for name in masters if (version := parse(nodes[name]["api_server"]))}
    lowest, highest = min(servers.values()), max(servers.values())
    running = [(f"the API server of {name}", nodes[name]["api_server"]) for name in masters]
    running += [(f"the kubelet of {name}", (workload["nodes"].get(name) or {}).get("kubelet")) for name in [*masters, *workers]]
    newer = [f"{what} is {version}" for what, version in running if (parse(version) or ()) > wanted]
    if newer:
        yield "", (
            f"{target} is older than what runs ({', '.join(newer)}), and Kubernetes is never taken back: set "
            "kubernetes_version to what runs"
        )
    if wanted[0] != lowest[0] or wanted[1] > lowest[1] + 1:
        yield "", (
            f"{target} is more than one minor version above v{_text(lowest)}: go through each in turn, first "
            f'kubernetes_version: "{lowest[0]}.{lowest[1] + 1}"'
        )
    if highest[:2] > (lowest[0], lowest[1] + 1):
        yield "", f"The API servers are more than one minor version apart (v{_text(lowest)} and v{_text(highest)})"
    for name in [*masters, *workers]:
        kubelet = parse((workload["nodes"].get(name) or {}).get("kubelet"))
        if kubelet is None:
            continue
        if wanted[1] - kubelet[1] > KUBELET_SKEW:
            yield "", (
                f"The kubelet of {name} is v{_text(kubelet)}, more than {KUBELET_SKEW} minor versions behind {target}: "
                "upgrade it to the cluster's version first"
            )
        # A master's kubelet asks its own API server, which is upgraded before it.
        if name in workers and kubelet[:2] > lowest[:2]:
            yield "", f"The kubelet of {name} is v{_text(kubelet)}, newer than an API server (v{_text(lowest)})"


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _missing_packages(
    nodes: Mapping[str, Mapping[str, Any]], steps: Mapping[str, Sequence[str]], target: str
) -> Iterator[Problem]:
    lacking: dict[tuple[str, str], list[str]] = {}
    for name, planned in steps.items():
        node = nodes[name]
        needed = PACKAGES if KUBELET in planned else ("kubeadm",) if KUBEADM in planned else ()
        missing = [
            package
            for package in needed
            if not _has(node, (package,), target) and newest(node["available"].get(package) or [], target) is None
        ]
        if missing:
            lacking.setdefault((f"{', '.join(missing)} {target}", node["offers_error"]), []).append(name)
        if KUBELET in planned and node["runtime"]["missing"] and not node["runtime"]["error"]:
            lacking.setdefault((", ".join(node["runtime"]["missing"]), ""), []).append(name)
    for (packages, error), names in lacking.items():
        why = f" ({error})" if error else ""
        yield "", (
            f"{packages} cannot be had on {', '.join(names)}{why}: name a version that is offered, or a mirror that has it "
            "(package_mirrors)"
        )


def _unknown_runtimes(nodes: Mapping[str, Mapping[str, Any]], steps: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"Whether {name} can have the container runtime that the site wants is not known ({nodes[name]['runtime']['error']}): its "
        "repository is made known, and asked again, before any node is emptied"
        for name, planned in steps.items()
        if KUBELET in planned and nodes[name]["runtime"]["error"]
    ]


def _unhealthy(
    nodes: Mapping[str, Mapping[str, Any]],
    workload: Mapping[str, Any],
    everyone: Sequence[str],
    masters: Sequence[str],
    halfway: Sequence[str],
) -> Iterator[Problem]:
    """What is not whole, but for what this run repairs: a node on which an upgrade has begun, masters that are ``halfway``,
    and workers that come last."""
    begun, again = _begun(nodes), _way_back(nodes)
    for name in everyone:
        if nodes[name]["begun"]:
            continue
        seen = workload["nodes"].get(name)
        if seen is None:
            first = "" if begun else f"{again}, or "
            yield "", f"{name} is no node of the cluster: {first}take its row out of the table until the upgrade is at its end"
        elif seen["ready"] or name in halfway:
            pass
        elif not begun:
            yield "", f"{name} is not ready: {again}"
        elif name in masters:
            yield "", f"{name} is not ready: {again}{_or_taken_out(name, masters)}"
        if name in masters and nodes[name]["api_server"] is None:
            yield "", f"The API server of {name} does not answer: {again}"
    strangers = sorted(set(workload["nodes"]) - set(everyone))
    if strangers:
        yield "", f"{', '.join(strangers)} is a node and not in the table, so nobody would upgrade it: put it in, or remove it"
    if any(nodes[name]["begun"] for name in masters):
        return
    problems = {nodes[name]["etcd_problem"] for name in masters if nodes[name]["etcd_problem"]}
    for problem in sorted(problems):
        yield "", f"etcd is not whole: {problem}; {again}"
    for name in masters:
        members = nodes[name]["members"]
        if members is not None and len(members) != len(masters):
            yield "", f"etcd has {len(members)} members, and the table {len(masters)} masters: {again}"
            return


def _drain_problems(
    workload: Mapping[str, Any], steps: Mapping[str, Sequence[str]], undrained: Sequence[str]
) -> Iterator[Problem]:
    drained = {name for name, planned in steps.items() if KUBELET in planned} - set(undrained)
    for budget in workload["budgets"]:
        pods = [item for item in budget["pods"] if item["node"] in drained]
        if pods and budget["allowed"] < 1:
            yield BUDGETS, (
                f"The PodDisruptionBudget {budget['name']} lets none of its pods go now, and "
                f"{', '.join(_places(pods))} would have to: add replicas, wait until all are ready, or change the budget"
            )
    bare = [item for item in workload["bare"] if item["node"] in drained]
    if bare:
        yield BARE, f"{', '.join(_places(bare))} would be lost, as nothing makes them anew: delete them, or let a controller do it"


def _places(pods: Sequence[Mapping[str, str]]) -> list[str]:
    return [f"{item['pod']} on {item['node']}" for item in pods]


def _deprecated(nodes: Mapping[str, Mapping[str, Any]], masters: Sequence[str], target: str) -> Iterator[Problem]:
    """What somebody has asked for since the API servers started, and the target no longer has."""
    wanted = (parse(target) or ())[:2]
    found = set()
    for name in masters:
        for item in nodes[name]["deprecated"]:
            removed = tuple(int(part) for part in re.findall(r"\d+", item["removed_release"])[:2])
            if removed <= wanted:
                group = f"{item['group']}/" if item.get("group") else ""
                found.add((f"{item['resource']} of {group}{item['version']}", item["removed_release"]))
    for what, removed in sorted(found):
        yield DEPRECATED, (
            f"Somebody has asked for {what}, which {removed} removes: find out who (kubectl get --raw /metrics, the audit "
            "log), and let it use a newer version"
        )


def _certificate_problems(rows: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    for row in rows:
        if row["days_left"] < CERTIFICATE_DAYS:
            yield "", f"{row['text']}; {row['remedy']}"


def _ending(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    soon = [row for row in rows if CERTIFICATE_DAYS <= row["days_left"] < SOON]
    return [f"{row['text']}; the upgrade renews those of the control plane" for row in soon]


def _end_of_life(target: str, end: str | None, today: datetime.date) -> Iterator[Problem]:
    if end is None:
        yield END_OF_LIFE, f"Until when {target} is maintained is not known to this release of the collection"
    elif today > datetime.date.fromisoformat(end):
        yield END_OF_LIFE, f"{target} is not maintained any more since {end}: name a newer version"


def _words(steps: Sequence[str], command: str | None, target: str, drain: bool) -> str:
    words = {
        KUBEADM: "kubeadm's package",
        CONTROL_PLANE: f"kubeadm upgrade {command}",
        KUBELET: "drain, kubelet and kubectl" if drain else "kubelet and kubectl (no drain)",
        RELEASE: "given back",
    }
    return ", ".join(words[step] for step in steps) or f"is {target}"
