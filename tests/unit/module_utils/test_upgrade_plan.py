"""What an upgrade does on each node, and what forbids it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._upgrade_plan import PACKAGES, parse, upgrade_plan
from hypothesis import given
from hypothesis import strategies as st

MASTERS, WORKERS = ["m1", "m2", "m3"], ["w1"]
EVERYONE = [*MASTERS, *WORKERS]
OLD, NEW = "v1.35.8", "v1.36.3"
OFFERED = {name: ["1.36.2-1.1", "1.36.3-1.1"] for name in PACKAGES}
TODAY = datetime.date(2026, 11, 28)


def node(name: str, version: str = OLD, **changes: Any) -> dict[str, Any]:
    master = name in MASTERS
    pods = {part: version for part in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")}
    return {
        "kubeadm": version,
        "kubelet": version,
        "static_pods": {**pods, "etcd": "3.6.6-0"} if master else {},
        "begun": None,
        "api_server": version if master else None,
        "deprecated": [],
        "etcd_problem": None,
        "packages": {package: f"{version[1:]}-1.1" for package in PACKAGES},
        "available": OFFERED,
        "offers_error": "",
        "runtime": {"missing": [], "error": ""},
        "members": [{"id": str(number)} for number, _name in enumerate(MASTERS)] if master else None,
        **changes,
    }


def seen(kubelet: str = OLD, **changes: Any) -> dict[str, Any]:
    return {"kubelet": kubelet, "ready": True, "unschedulable": False, "ours": False, **changes}


def workload(version: str = OLD, **changes: Any) -> dict[str, Any]:
    return {"nodes": {name: seen(version) for name in EVERYONE}, "budgets": [], "bare": [], "version": version, **changes}


def plan(nodes: dict[str, Any], load: dict[str, Any] | None = None, wanted: str = "1.36", **more: Any) -> dict[str, Any]:
    """All that are no masters are workers."""
    options = {"end_of_life": "2027-06-28", "today": TODAY, **more}
    workers = [*WORKERS, *(name for name in nodes if name not in EVERYONE)]
    return upgrade_plan(nodes, load or workload(), MASTERS, workers, wanted, **options)


def all_old() -> dict[str, Any]:
    return {name: node(name) for name in EVERYONE}


def all_new() -> dict[str, Any]:
    return {name: node(name, NEW) for name in EVERYONE}


def test_a_whole_cluster_goes_one_minor_version_up() -> None:
    found = plan(all_old())
    assert (found["current"], found["target"], found["problems"]) == (OLD, NEW, [])
    assert found["steps"] == {name: ["kubeadm", "control_plane", "kubelet", "release"] for name in EVERYONE}
    assert found["commands"] == {"m1": "apply", "m2": "node", "m3": "node", "w1": "node"}


def test_a_cluster_that_has_the_version_needs_nothing() -> None:
    found = plan(all_new(), workload(NEW))
    assert found["problems"] == [] and found["commands"] == {}
    assert found["steps"] == {name: [] for name in EVERYONE}
    assert found["lines"] == [f"{name}: is {NEW}" for name in EVERYONE]


def test_a_patch_takes_the_same_way() -> None:
    nodes = {name: node(name, "v1.36.2") for name in EVERYONE}
    found = plan(nodes, workload("v1.36.2"))
    assert found["target"] == NEW and found["commands"]["m1"] == "apply"
    assert plan(nodes, workload("v1.36.2"), "1.36.2")["steps"] == {name: [] for name in EVERYONE}


def test_two_minor_versions_at_once_are_refused_with_the_one_between() -> None:
    nodes = {name: node(name, available={package: ["1.37.1-1.1"] for package in PACKAGES}) for name in EVERYONE}
    (problem,) = plan(nodes, wanted="1.37")["problems"]
    assert 'kubernetes_version: "1.36"' in problem


def test_kubernetes_is_never_taken_back() -> None:
    available = {package: ["1.35.8-1.1"] for package in PACKAGES}
    found = plan({name: node(name, NEW, available=available) for name in EVERYONE}, workload(NEW), "1.35")
    assert len(found["problems"]) == 1 and "never taken back" in found["problems"][0]


def test_a_kubelet_far_behind_and_one_ahead_are_told() -> None:
    load = workload()
    load["nodes"]["w1"] = seen("v1.32.1")
    assert "more than 3 minor versions behind" in plan(all_old(), load)["problems"][0]
    load["nodes"]["w1"] = seen("v1.36.0")
    assert "newer than an API server" in plan(all_old(), load)["problems"][0]


def test_api_servers_two_minor_versions_apart_are_told() -> None:
    nodes = {**all_old(), "m3": node("m3", "v1.33.9")}
    assert any("apart" in problem for problem in plan(nodes)["problems"])


def test_a_master_that_is_done_may_have_a_newer_kubelet_than_the_other_api_servers() -> None:
    load = workload(NEW)
    load["nodes"].update({name: seen(OLD) for name in ("m2", "m3", "w1")})
    found = plan({**all_old(), "m1": node("m1", NEW)}, load)
    assert found["problems"] == []
    assert found["steps"]["m1"] == [] and found["commands"] == {"m2": "node", "m3": "node", "w1": "node"}


def test_all_problems_are_told_at_once() -> None:
    nodes = all_old()
    nodes["m2"]["etcd_problem"] = "10.0.0.13 is not healthy"
    nodes["w1"]["available"] = {}
    nodes["w1"]["runtime"] = {"missing": ["containerd.io 2.9 (offered: 2.4.2-1)"], "error": ""}
    nodes["m1"]["deprecated"] = [
        {"group": "flowcontrol.apiserver.k8s.io", "version": "v1beta3", "resource": "flowschemas", "removed_release": "1.36"},
        {"group": "", "version": "v1", "resource": "componentstatuses", "removed_release": "1.40"},
    ]
    load = workload(
        budgets=[{"name": "shop/web", "allowed": 0, "starting": False, "pods": [{"pod": "shop/web-1", "node": "w1"}]}],
        bare=[{"pod": "shop/by-hand", "node": "w1"}],
    )
    load["nodes"]["m3"] = seen(ready=False)
    certificates = [{"days_left": 0, "text": "m1 /etc/kubernetes/admin.conf ends in 0 days", "remedy": "renew it"}]
    found = plan(nodes, load, certificates=certificates, end_of_life="2026-10-27")
    told = "\n".join(found["problems"])
    for part in (
        "m3 is not ready", "10.0.0.13 is not healthy", "kubectl v1.36.3 cannot be had on w1",
        "containerd.io 2.9 (offered: 2.4.2-1) cannot be had on w1", "flowschemas", "shop/web lets none",
        "shop/by-hand on w1", "ends in 0 days; renew it", "not maintained any more",
    ):  # fmt: skip
        assert part in told
    assert "componentstatuses" not in told and len(found["problems"]) == 9


def test_p2_is_named_with_the_version_that_it_would_not_refuse() -> None:
    load = workload()
    load["nodes"]["w1"] = seen(ready=False)
    silent = {**all_old(), **{name: node(name, api_server=None) for name in MASTERS}}
    for nodes in (all_old(), silent):
        (problem,) = plan(nodes, load)["problems"]
        assert "playbooks/p2_kubernetes.yml with kubernetes_version set to what runs" in problem


@pytest.mark.parametrize("kind", ["deprecated_apis", "budgets", "bare_pods", "end_of_life"])
def test_some_problems_may_be_accepted_by_name(kind: str) -> None:
    nodes = all_old()
    nodes["m1"]["deprecated"] = [{"group": "g", "version": "v1", "resource": "r", "removed_release": "1.36"}]
    load = workload(
        budgets=[{"name": "shop/web", "allowed": 0, "starting": False, "pods": [{"pod": "shop/web-1", "node": "w1"}]}],
        bare=[{"pod": "shop/by-hand", "node": "w1"}],
    )
    before = plan(nodes, load, end_of_life="2026-10-27")
    after = plan(nodes, load, end_of_life="2026-10-27", accept=[kind])
    assert len(before["problems"]) == 4 and len(after["problems"]) == 3 and len(after["accepted"]) == 1
    assert "cannot be accepted" in plan(nodes, load, accept=["everything"])["problems"][0]


def test_without_a_drain_what_a_drain_would_meet_is_no_problem() -> None:
    load = workload(bare=[{"pod": "shop/by-hand", "node": "w1"}])
    assert plan(all_old(), load)["problems"] and plan(all_old(), load, drain=False)["problems"] == []


def test_a_budget_of_pods_on_a_node_that_is_done_forbids_nothing() -> None:
    load = workload(
        NEW, budgets=[{"name": "shop/web", "allowed": 0, "starting": False, "pods": [{"pod": "shop/web-1", "node": "m1"}]}]
    )
    load["nodes"].update({name: seen(OLD) for name in ("m2", "m3", "w1")})
    assert plan({**all_old(), "m1": node("m1", NEW)}, load)["problems"] == []


def test_an_apply_that_was_killed_is_gone_on_with_although_its_node_is_not_whole() -> None:
    begun = {"command": "apply", "version": NEW}
    nodes = {**all_old(), "m1": node("m1", OLD, begun=begun, api_server=None, etcd_problem="refused")}
    nodes["m1"]["packages"]["kubeadm"] = "1.36.3-1.1"
    load = workload()
    load["nodes"]["m1"] = seen(ready=False)
    found = plan(nodes, load)
    assert found["problems"] == []
    assert found["steps"]["m1"] == ["control_plane", "kubelet", "release"] and found["commands"]["m1"] == "apply"


def begun_with(*unready: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A cluster whose masters and first worker are new."""
    load = workload(NEW)
    load["nodes"].update({name: seen(OLD) for name in ("w2", "w3")})
    load["nodes"].update({name: {**load["nodes"][name], "ready": False} for name in unready})
    return {**all_new(), "w2": node("w2"), "w3": node("w3")}, load


def test_a_worker_that_is_not_ready_comes_last_and_undrained_once_an_upgrade_is_begun() -> None:
    nodes, load = begun_with("w2")
    load["bare"] = [{"pod": "shop/by-hand", "node": "w2"}]
    found = plan(nodes, load)
    assert found["problems"] == []
    assert found["order"] == [*MASTERS, "w1", "w3", "w2"] and found["undrained"] == ["w2"]
    assert found["lines"][-1].startswith("w2: ") and "(no drain)" in found["lines"][-1] and "(no drain)" not in found["lines"][-2]
    assert any("-e replace=w2 -e kubernetes_packages_replace=true" in note for note in found["notes"])


def test_of_several_workers_that_are_not_ready_one_that_was_tried_comes_last_and_each_may_be_taken_out() -> None:
    """To replace one is refused until the other has the version."""
    nodes, load = begun_with("w2", "w3")
    nodes["w2"] = node("w2", packages=node("w2", NEW)["packages"])
    found = plan(nodes, load)
    assert found["problems"] == [] and found["undrained"] == ["w3", "w2"] and found["order"] == [*MASTERS, "w1", "w3", "w2"]
    for name in ("w2", "w3"):
        (note,) = [note for note in found["notes"] if note.startswith(f"{name} is not ready")]
        assert f"playbooks/remove_node.yml -e remove={name} -e remove_drain=false" in note and "once all others have the version" in note


def test_packages_that_an_ended_run_had_prepared_are_a_begun_upgrade() -> None:
    nodes = all_old()
    nodes["m1"]["packages"] = {**nodes["m1"]["packages"], "kubeadm": "1.36.3-1.1"}
    load = workload()
    load["nodes"]["w1"] = seen(ready=False)
    assert plan(nodes, load)["problems"] == []


@pytest.mark.parametrize(
    "packages",
    [{name: "1.35.9-1.1" for name in PACKAGES}, {**node("m1")["packages"], "kubectl": "1.36.3-1.1"}],
    ids=["a newer patch", "a newer kubectl"],
)
def test_what_p2_does_not_refuse_is_no_begun_upgrade(packages: dict[str, str]) -> None:
    """Neither do runs of the upgrade leave it."""
    load = workload()
    load["nodes"]["w1"] = seen(ready=False)
    (problem,) = plan({**all_old(), "m1": node("m1", packages=packages)}, load)["problems"]
    assert "w1 is not ready: bring the cluster back first" in problem and "as a minor version" in problem


def test_a_patch_whose_kubeadm_is_there_and_a_note_of_kubeadm_are_a_begun_upgrade() -> None:
    load = workload()
    load["nodes"]["w1"] = seen(ready=False)
    prepared = {**node("m1")["packages"], "kubeadm": "1.35.9-1.1"}
    for changes in ({"packages": prepared}, {"begun": {"command": "apply", "version": NEW}}):
        assert plan({**all_old(), "m1": node("m1", **changes)}, load)["problems"] == []


def test_a_master_that_is_not_ready_has_a_way_out_that_does_not_refuse_a_begun_upgrade() -> None:
    nodes, load = begun_with("m3")
    nodes["m3"]["api_server"] = None
    told = "\n".join(plan(nodes, load)["problems"])
    assert "m3 is not ready" in told and "playbooks/remove_node.yml -e remove=m3 -e remove_drain=false" in told
    assert "bring it back by hand" in told and "set to what runs" not in told


def halfway(masters: list[str], which: str = "m1") -> tuple[dict[str, Any], dict[str, Any]]:
    """One master's control plane is new, its kubelet old and not ready: its container runtime did not start."""
    names = [*masters, *WORKERS]
    load = {**workload(NEW), "nodes": {name: seen(OLD) for name in names}}
    load["nodes"][which] = seen(OLD, ready=False, unschedulable=True, ours=True)
    more = {"packages": {**node("m1")["packages"], "kubeadm": "1.36.3-1.1"}, "members": [{"id": "1"}] * len(masters)}
    nodes = {name: node(name, **more) for name in names}
    nodes[which] = node(which, NEW, kubelet=OLD, **more)
    return nodes, load


def planned(nodes: dict[str, Any], load: dict[str, Any], masters: list[str]) -> dict[str, Any]:
    return upgrade_plan(nodes, load, masters, WORKERS, "1.36", end_of_life="2027-06-28", today=TODAY)


@pytest.mark.parametrize(
    ("masters", "which", "order"),
    [(MASTERS, "m1", ["m1", "m2", "m3", "w1"]), (MASTERS, "m2", ["m2", "m1", "m3", "w1"]), (["m1"], "m1", ["m1", "w1"])],
)
def test_a_master_whose_runtime_failed_in_its_turn_goes_on_first(masters: list[str], which: str, order: list[str]) -> None:
    """No other control plane is touched while it is not ready."""
    found = planned(*halfway(masters, which), masters)
    assert found["problems"] == [] and found["order"] == order and found["undrained"] == found["taken"] == [which]
    assert found["steps"][which] == ["kubelet", "release"] and "(no drain)" in found["lines"][0]
    (note,) = [note for note in found["notes"] if note.startswith(f"{which} is not ready, and its control plane is new")]
    assert ("remove_node.yml" in note) is (len(masters) > 1)


@pytest.mark.parametrize(("masters", "taken_out"), [(MASTERS, True), (["m1"], False)], ids=["three", "one"])
@pytest.mark.parametrize("changes", [{"static_pods": node("m1")["static_pods"]}, {"api_server": None}], ids=["old", "silent"])
def test_a_master_that_is_not_ready_and_lacks_more_is_refused(changes: dict[str, Any], masters: list[str], taken_out: bool) -> None:
    """Its kubelet would have to start what is missing. An only master cannot leave."""
    nodes, load = halfway(masters)
    nodes["m1"].update(changes)
    told = "\n".join(planned(nodes, load, masters)["problems"])
    assert "bring it back by hand" in told and ("remove_node.yml" in told) is taken_out


def test_a_master_that_is_not_ready_and_lacks_no_more_than_kubectl_is_refused() -> None:
    load = workload(NEW)
    load["nodes"]["m2"] = seen(NEW, ready=False)
    packages = {**node("m2", NEW)["packages"], "kubectl": "1.35.8-1.1"}
    (problem,) = plan({**all_new(), "m2": node("m2", NEW, packages=packages)}, load)["problems"]
    assert "m2 is not ready: bring the cluster back first" in problem


def test_an_only_master_that_is_not_reached_is_not_to_be_taken_out() -> None:
    (problem,) = upgrade_plan({"w1": node("w1")}, workload(), ["m1"], WORKERS, "1.36")["problems"]
    assert problem == "m1 was not reached: nothing is decided without it; bring it up"


def test_a_runtime_that_cannot_be_had_matters_only_where_it_would_be_replaced() -> None:
    missing = {"missing": ["containerd.io 2.9 (offered: none)"], "error": ""}
    (problem,) = plan({name: node(name, runtime=missing) for name in EVERYONE})["problems"]
    assert "containerd.io 2.9 (offered: none) cannot be had on m1, m2, m3, w1" in problem
    assert plan({name: node(name, NEW, runtime=missing) for name in EVERYONE}, workload(NEW))["problems"] == []


def test_a_runtime_whose_repository_cannot_be_read_yet_is_no_problem_but_told() -> None:
    """Its key may not be on the node before the repository is made known, which is done before any node is emptied."""
    unknown = {"missing": ["containerd.io 2.9 (offered: none)"], "error": "NO_PUBKEY"}
    found = plan({**all_old(), "m2": node("m2", runtime=unknown)})
    assert found["problems"] == [] and [note for note in found["notes"] if "m2" in note and "(NO_PUBKEY)" in note]


def test_a_kill_after_the_cluster_knew_its_version_leaves_no_second_apply() -> None:
    load = workload(NEW)
    load["nodes"] = {name: seen(OLD) for name in EVERYONE}
    nodes = {**all_old(), "m1": {**node("m1", NEW), "kubelet": OLD, "packages": node("m1")["packages"]}}
    found = plan(nodes, load)
    assert found["steps"]["m1"] == ["kubeadm", "kubelet", "release"] and "apply" not in found["commands"].values()


def test_a_node_that_we_took_out_of_use_is_given_back_and_one_of_others_is_not() -> None:
    load = workload(NEW)
    load["nodes"]["m2"] = seen(NEW, unschedulable=True, ours=True)
    load["nodes"]["m3"] = seen(NEW, unschedulable=True)
    found = plan(all_new(), load)
    assert found["steps"]["m2"] == ["release"] and found["steps"]["m3"] == []


def test_a_kubelet_that_was_replaced_and_not_restarted_is_seen() -> None:
    load = workload(NEW)
    load["nodes"]["w1"] = seen(OLD)
    assert plan(all_new(), load)["steps"]["w1"] == ["control_plane", "kubelet", "release"]


def test_a_node_that_nobody_reached_or_that_is_not_in_the_table_is_told() -> None:
    nodes = all_old()
    del nodes["m2"]
    (problem,) = plan(nodes)["problems"]
    assert problem.startswith("m2 was not reached: nothing is decided without it; bring it up, or ")
    load = workload()
    load["nodes"]["stranger"] = seen()
    assert "stranger is a node and not in the table" in plan(all_old(), load)["problems"][0]


def test_a_version_that_nobody_offers_is_told_with_what_apt_said() -> None:
    nodes = {name: node(name, available={}, offers_error="404 Not Found") for name in EVERYONE}
    found = plan(nodes)
    assert found["target"] is None and "404 Not Found" in found["problems"][0]


def test_what_is_no_version_is_none() -> None:
    assert parse("v1.36.3") == parse("1.36.3-1.1") == (1, 36, 3)
    assert parse("") is None and parse(None) is None and parse("3.6") is None


versions = st.sampled_from([OLD, NEW])
half_done = st.fixed_dictionaries(
    {
        "api_server": versions, "static": versions, "kubelet": versions, "packages": versions, "runs": versions,
        "ours": st.booleans(), "begun": st.sampled_from([None, "apply", "node"]),
    }
)  # fmt: skip


@given(st.fixed_dictionaries({name: half_done for name in EVERYONE}), versions)
def test_wherever_a_run_was_killed_what_is_left_is_planned_and_nothing_else(states: dict[str, Any], kept: str) -> None:
    nodes, load = {}, workload(kept)
    for name, state in states.items():
        pods = {part: state["static"] for part in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")}
        begun = {"command": state["begun"], "version": NEW} if state["begun"] else None
        nodes[name] = node(
            name, OLD, begun=begun, kubelet=state["kubelet"], static_pods=pods if name in MASTERS else {},
            api_server=state["api_server"] if name in MASTERS else None,
            packages={package: f"{state['packages'][1:]}-1.1" for package in PACKAGES},
        )  # fmt: skip
        load["nodes"][name] = seen(state["runs"], ours=state["ours"])
    found = plan(nodes, load)
    for name, state in states.items():
        steps = found["steps"][name]
        new = {state["kubelet"], state["packages"], state["runs"]} == {NEW}
        assert ("kubelet" in steps) == (not new)
        assert ("kubeadm" in steps) == (state["packages"] == OLD)
        assert ("release" in steps) == (not new or state["ours"])
        assert ("control_plane" in steps) == (name in found["commands"])
        if name in MASTERS and OLD in (state["api_server"], state["static"]):
            assert "control_plane" in steps
    applies = [name for name, command in found["commands"].items() if command == "apply"]
    assert (kept == OLD) <= (len(applies) > 0)
    if not any(state["begun"] for state in states.values()):
        assert len(applies) == (kept == OLD)
