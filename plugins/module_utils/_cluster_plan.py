# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what every node says to what has to be done on each: nothing, init, join, resume, reset. Pure.

Nothing here trusts a file alone. A cluster exists if an API server of one of the masters shows its nodes and etcd its
members; a node belongs to it if it is among them. A cluster is made only where no API answers at any address and no
master has etcd's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import best_view
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import marked

NONE, INIT, JOIN, START = "none", "init", "join", "start"
RESUME_INIT, RESUME_JOIN, RESET_JOIN = "resume_init", "resume_join", "reset_join"
END_INIT = "end_init"

GIB = 2**30
ROOM = {"/var/lib/containerd": 2 * GIB, "/var/lib/kubelet": GIB}
ROOM_OF_MASTERS = {**ROOM, "/var/lib/etcd": GIB}
"""Less than this is full before the node is one: images of the control plane unpacked, etcd's log and a small database."""

_REASONS = {
    INIT: "kubeadm init was begun by a run that did not end",
    JOIN: "kubeadm join was begun by a run that did not end",
}

Observation = Mapping[str, Any]


def cluster_plan(
    nodes: Mapping[str, Observation],
    masters: Sequence[str],
    workers: Sequence[str],
    reset: Sequence[str] = (),
    allow_standins: bool = False,
) -> dict[str, Any]:
    """``nodes``: what ``kubeadm_node`` observed, by name. ``reset``: nodes whose remains may be wiped.
    ``allow_standins``: the site is a lab's, so what a lab has made may run there.

    Returns exists (a cluster answers), giver (the master that hands out join material; None before init), steps
    {name: step}, reasons {name: text}, known (names of the node objects), first (the master that makes the cluster, or
    None), astray (masters to be wiped whose API server shows another cluster: it may hold the VIP), problems.
    """
    unseen = [name for name in [*masters, *workers] if name not in nodes]
    if unseen:
        return _refused([f"{name} was not reached, or failed before this: nothing is decided without it; mend what is told of it "
                         "above, bring it up, or take its row out of the table" for name in unseen])  # fmt: skip
    made_in_lab = [] if allow_standins else [
        problem for name in [*masters, *workers] for problem in marked(nodes[name].get("marks") or [], name)
    ]  # fmt: skip
    if made_in_lab:
        return _refused(made_in_lab)
    members = {member["address"] for name in masters for member in nodes[name]["view"].get("members") or []}
    degraded = [name for name in workers if nodes[name]["view"].get("nodes") is not None or nodes[name]["address"] in members]
    if degraded:
        return _refused([_other_role(name, "master", "worker") for name in degraded])
    lost = _lost_data(nodes, [name for name in masters if name not in reset])
    if lost:
        return _refused([lost])
    viewers = [name for name in masters if nodes[name]["view"].get("nodes") is not None]
    if all(name in reset and nodes[name]["unfinished"] == INIT and not _in_use(name, nodes[name]) for name in viewers):
        return _without_cluster(nodes, masters, workers, reset)
    kept_cas = {nodes[name]["ca"] for name in viewers if name not in reset}
    if len(kept_cas) == 1:
        viewers = [name for name in viewers if nodes[name]["ca"] in kept_cas]
    if len({nodes[name]["ca"] for name in viewers}) > 1:
        return _refused([f"{', '.join(viewers)} run different clusters (their CAs differ): keep one, and reset the "
                         "nodes of the other by name in kubeadm_reset_nodes"])  # fmt: skip
    return _with_cluster(nodes, masters, workers, viewers, reset)


def _refused(problems: list[str]) -> dict[str, Any]:
    return {
        "exists": False, "giver": None, "first": None, "known": [], "steps": {}, "reasons": {}, "astray": [],
        "problems": problems,
    }  # fmt: skip


def _without_cluster(
    nodes: Mapping[str, Observation], masters: Sequence[str], workers: Sequence[str], reset: Sequence[str]
) -> dict[str, Any]:
    no_majority = _without_majority(nodes, [name for name in masters if name not in reset])
    if no_majority:
        return _refused([no_majority])
    begun = [name for name in masters if nodes[name]["unfinished"] == INIT and name not in reset]
    data = [name for name in masters if nodes[name]["etcd_data"] and name not in begun]
    answers = _strange_answers(nodes, masters, reset)
    problems = []
    if len(begun) > 1:
        problems.append(f"kubeadm init was begun on {' and '.join(begun)}: name all but one in kubeadm_reset_nodes")
    if answers:
        problems.append(
            f"A Kubernetes API answers at {', '.join(answers)}, but no master of the table can read it: it is another "
            "cluster, or its masters have lost their certificates. Nothing is initialised beside it; free the "
            "address, or restore the masters"
        )
    kept = [name for name in data if name not in reset]
    stopped = [name for name in masters if nodes[name]["stopped"] and name not in reset]
    if stopped:
        problems.append(
            f"{', '.join(stopped)} {'was' if len(stopped) == 1 else 'were'} stopped for a restore that did not end: run "
            "playbooks/restore.yml again, which goes on from there (the manifests wait in /etc/kubernetes/detectviz-stopped)"
        )
    elif kept:
        ended = "".join(f" {_ended_etcd(name, nodes[name]['etcd_failure'])}." for name in kept if nodes[name]["etcd_failure"])
        problems.append(
            f"No API server answers, but {', '.join(kept)} {'has' if len(kept) == 1 else 'have'} the data of a cluster "
            f"in /var/lib/etcd. It is down, not absent.{ended} Look at the kubelet and the containers there (journalctl -u kubelet). "
            "Where the data is lost or damaged on most of them, bring a backup back with playbooks/restore.yml -e restore_hosts=all "
            "-e restore=FILE; to throw it away, name the nodes in kubeadm_reset_nodes"
        )
    if problems:
        return _refused(problems)
    first = (begun or list(masters[:1]) or [None])[0]
    steps: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for name in [*masters, *workers]:
        wanted = INIT if name == first else JOIN
        if name in reset and (nodes[name]["unfinished"] or leftovers(nodes[name])):
            steps[name], reasons[name] = f"reset_{wanted}", "remains of another cluster, named in kubeadm_reset_nodes"
        elif nodes[name]["unfinished"] == wanted:
            steps[name], reasons[name] = f"resume_{wanted}", _REASONS[wanted]
        elif not leftovers(nodes[name]):
            steps[name], reasons[name] = wanted, "no cluster yet" if wanted == INIT else "not a node yet"
        else:
            problems.append(_half_made(name))
    problems += _without_room(nodes, masters, steps)
    return {**_refused(problems), "first": first, "steps": steps, "reasons": reasons}


def _without_room(nodes: Mapping[str, Observation], masters: Sequence[str], steps: Mapping[str, str]) -> list[str]:
    """Nodes that are to be made and have no room for it. What runs already is the kubelet's to judge."""
    return [
        f"{name} has {nodes[name]['room'][folder] / GIB:.1f} GiB free for {folder}, and a node needs {least / GIB:.0f} to begin "
        "with: make room there, or give the machine a larger disk"
        for name, step in steps.items()
        if step not in (NONE, START)
        for folder, least in (ROOM_OF_MASTERS if name in masters else ROOM).items()
        if nodes[name]["room"][folder] < least
    ]


def _lost_data(nodes: Mapping[str, Observation], masters: Sequence[str]) -> str | None:
    """What is told where etcd's data is gone on so many masters that what runs is not their cluster's; else None.

    kubeadm's first master has a manifest by which etcd without data begins a new cluster of itself alone.
    """
    made = [name for name in masters if "etcd" in nodes[name]["manifests"] and not nodes[name]["unfinished"]]
    told = {name: (nodes[name]["view"].get("members") or (nodes[name]["etcd"] or {}).get("members") or []) for name in made}
    best = max(made, key=lambda name: len(told[name]), default=None)
    if best is None:
        return None
    counted = {member["address"] for member in told[best]}
    missing = [name for name in made if nodes[name]["address"] not in counted and nodes[name]["ca"] == nodes[best]["ca"]]
    view = nodes[best]["view"]
    # The API server's list of nodes may still be that of the lost data, and a kubelet that starts makes its node object anew. What
    # kubeadm keeps is read from etcd itself, and nothing makes it again.
    alone = made == [best] and view.get("nodes") is not None
    if counted and not view.get("version") and (alone or len(missing) >= len(counted)):
        fact = f"etcd on {best} counts {len(counted)} of {', '.join(made)}: it has begun anew"
    elif not counted and not any(nodes[name]["etcd_data"] for name in made):
        fact = f"there is nothing in /var/lib/etcd of {', '.join(made)}"
    else:
        return None
    return (
        f"etcd's data is lost: {fact}. Nothing is made in its place; bring a backup back with playbooks/restore.yml -e "
        "restore_hosts=all -e restore=FILE. Masters that were taken out on purpose: name them in kubeadm_reset_nodes"
    )


def _without_majority(nodes: Mapping[str, Observation], masters: Sequence[str]) -> str | None:
    """What is told of a cluster whose etcd runs and has no leader; None if there is no such etcd."""
    leaderless = [name for name in masters if nodes[name]["etcd"] and not nodes[name]["etcd"]["leader"]]
    if not leaderless:
        return None
    at = {node["address"]: name for name, node in nodes.items()}
    told = max((nodes[name]["etcd"]["members"] for name in leaderless), key=len)
    silent = [at.get(member["address"], member["address"]) for member in told]
    silent = sorted(name for name in silent if name not in leaderless)
    return (
        f"etcd has no majority, so the cluster is down, not absent: of its {len(told)} members only {', '.join(leaderless)} "
        f"{'runs' if len(leaderless) == 1 else 'run'}. Bring back {' or '.join(silent) or 'the others'} (journalctl -u kubelet "
        "and /var/log/containers/etcd-* there; time, network and disk); where the data is lost, playbooks/restore.yml. "
        "Nothing was changed in the cluster"
    )


def _strange_answers(nodes: Mapping[str, Observation], masters: Sequence[str], reset: Sequence[str]) -> list[str]:
    """Addresses at which an API answers that is not the one of a begun init, or of a master that may be wiped.

    Such an API server may answer at the master's own address, and where it has come so far, at the VIP.
    """
    begun = [name for name in masters if nodes[name]["unfinished"] == INIT]
    wiped = [name for name in masters if name in reset and leftovers(nodes[name])]
    strange = {address for node in nodes.values() for address in node["answers"]}
    strange -= {nodes[name]["address"] for name in [*begun, *wiped]}
    if any(nodes[name]["etcd_data"] or nodes[name]["manifests"] for name in begun):
        strange &= {nodes[name]["address"] for name in masters}
    return sorted(strange)


def _with_cluster(
    nodes: Mapping[str, Observation],
    masters: Sequence[str],
    workers: Sequence[str],
    viewers: Sequence[str],
    reset: Sequence[str],
) -> dict[str, Any]:
    finished = [name for name in viewers if not nodes[name]["unfinished"]]
    teller = best_view(nodes, finished or viewers) or viewers[0]
    view = nodes[teller]["view"]
    objects = {item["name"]: item for item in view["nodes"]}
    members = {item["address"]: item for item in view["members"]}
    first = next((name for name in viewers if nodes[name]["unfinished"] == INIT), None)
    steps: dict[str, str] = {}
    reasons: dict[str, str] = {}
    problems: list[str] = []
    for name in [*masters, *workers]:
        node = nodes[name]
        member = members.get(node["address"])
        master = name in masters
        if name == first:
            step, reason = RESUME_INIT, _REASONS[INIT]
            if _in_use(name, node):
                step, reason = END_INIT, f"{reason}, and other nodes have joined since: it is taken for ended"
        else:
            step, reason = _step(name, node, master, nodes[teller]["ca"], name in objects, member, name in viewers)
            own = node["view"] if name in viewers else node["etcd"] if step == START and master else None
            if own and own.get("leader", True) and _member_ids(own) != _member_ids(view):
                step, reason = None, _other_etcd(name, teller)
            elif step == START and master and node["etcd_failure"]:
                step, reason = None, _failed_etcd(name, node["etcd_failure"])
        if step in (None, START, RESUME_JOIN) and name in reset and not (master and len(members) < 2 and member):
            step, reason = RESET_JOIN, f"{reason}; named in kubeadm_reset_nodes"
        if step is None:
            problems.append(reason)
        else:
            steps[name], reasons[name] = step, reason
    problems += _without_room(nodes, masters, steps)
    giver = _giver(nodes, viewers, steps)
    if giver is None and not problems:
        problems.append(
            f"Of the masters, only {', '.join(viewers)} can read the cluster, and would be wiped as kubeadm_reset_nodes "
            "says: nobody would be left to join it to. Bring another master back first, or take the name out"
        )
    return {
        "exists": True, "giver": giver, "first": first, "known": sorted(objects), "steps": steps, "reasons": reasons,
        "astray": [name for name in masters if steps.get(name) == RESET_JOIN and _shows_another(nodes[name], view)],
        "problems": problems,
    }  # fmt: skip


def _shows_another(node: Observation, view: Mapping[str, Any]) -> bool:
    """Whether a master's own API server answers, and not for the cluster of this view."""
    if node["view"].get("nodes") is None:
        return node["address"] in node["answers"]
    return _member_ids(node["view"]) != _member_ids(view)


def _giver(nodes: Mapping[str, Observation], viewers: Sequence[str], steps: Mapping[str, str]) -> str | None:
    """The master that hands out join material: a whole one before one that is only begun, never one that is wiped."""
    for wanted in (NONE, START, END_INIT, RESUME_INIT, RESUME_JOIN):
        found = best_view(nodes, [name for name in viewers if steps.get(name) == wanted])
        if found:
            return found
    return None


def _step(
    name: str,
    node: Observation,
    master: bool,
    ca: str,
    known: bool,
    member: Mapping[str, Any] | None,
    views: bool,
) -> tuple[str | None, str]:
    """The step of one node beside an existing cluster; None with the problem where consent is needed."""
    if node["ca"] not in (None, ca):
        return None, _half_made(name)
    if node["unfinished"] == JOIN:
        return RESUME_JOIN, _REASONS[JOIN]
    if not leftovers(node):
        if master and member is not None:
            return None, (
                f"{name} has no data, but etcd counts it as a member ({member['id']}): it was made anew. Name it in "
                "kubeadm_reset_nodes to remove the old member and join it again"
            )
        return JOIN, "not a node yet"
    if master and known and member is None and not node["unfinished"] and not (node["etcd_data"] or node["manifests"]):
        return None, _other_role(name, "worker", "master")
    if node["unfinished"] or not known or (master and (member is None or member["learner"])):
        return None, _half_made(name)
    if master and not views:
        if node["address"] in node["answers"]:
            return START, f"its API server answers, but it cannot read the cluster: {node['view'].get('error')}"
        return START, "its API server does not answer"
    # Before the cluster knows: it calls a node ready for most of a minute after its kubelet has gone.
    if not node["kubelet_healthy"]:
        return START, "its kubelet does not answer"
    return NONE, "is a node of the cluster"


def leftovers(node: Observation) -> bool:
    """Whether anything of a cluster is on the node."""
    return bool(node["ca"] or node["kubelet_configured"] or node["etcd_data"] or node["manifests"])


def _member_ids(view: Mapping[str, Any]) -> set[str]:
    return {member["id"] for member in view["members"]}


def _other_etcd(name: str, giver: str) -> str:
    return (
        f"etcd on {name} counts other members than that on {giver}: it has lost its data and begun anew. "
        f"{_rejoin(name)}"
    )


def _failed_etcd(name: str, failure: str) -> str:
    return f"{_ended_etcd(name, failure)}. Where that is because its data is lost or damaged: {_rejoin(name)}"


def _ended_etcd(name: str, failure: str) -> str:
    return f"etcd on {name} ends again and again: {failure}"


def _rejoin(name: str) -> str:
    return (
        f"playbooks/restore.yml -e restore_hosts={name} removes the old member, wipes the node and joins it again, as does its "
        "name in kubeadm_reset_nodes"
    )


def _in_use(name: str, node: Observation) -> bool:
    """Whether the cluster that a node shows has others, so that nothing may begin on it again."""
    return any(item["name"] != name for item in node["view"].get("nodes") or [])


def _other_role(name: str, was: str, wanted: str) -> str:
    return (
        f"{name} is a {was} of a cluster, and the table calls it a {wanted} now. No node changes its role where it stands: take "
        f"it out first, with playbooks/remove_node.yml -e remove={name}, which moves its pods elsewhere"
        f"{', takes its member out of etcd' if was == 'master' else ''} and wipes it, and run again; or write its "
        "former role"
    )


def _half_made(name: str) -> str:
    return (
        f"{name} has files of a cluster (/etc/kubernetes, /var/lib/etcd), and is not a whole node of this one: look at "
        "it, and name it in kubeadm_reset_nodes to wipe them and join it again"
    )
