"""What each node needs, decided from what all of them say."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._cluster_plan import cluster_plan
from hypothesis import given
from hypothesis import strategies as st

MASTERS, WORKERS = ["m1", "m2", "m3"], ["w1"]
ADDRESSES = {"m1": "10.0.0.11", "m2": "10.0.0.12", "m3": "10.0.0.13", "w1": "10.0.0.14"}
CA = "a" * 64


def blank(name: str, **changes: Any) -> dict[str, Any]:
    """A machine that has never been a node."""
    return {
        "ca": None,
        "address": ADDRESSES[name],
        "answers": [],
        "view": {"error": "no control-plane node"},
        "etcd": None,
        "etcd_failure": None,
        "unfinished": None,
        "room": dict.fromkeys(("/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet"), 40 * 2**30),
        "etcd_data": False,
        "kubelet_configured": False,
        "kubelet_healthy": False,
        "manifests": [],
        "stopped": [],
        **changes,
    }


def view(nodes: list[str], members: list[str]) -> dict[str, Any]:
    return {
        "nodes": [{"name": name, "ready": True} for name in nodes],
        "members": [
            {"id": str(number), "name": name, "address": ADDRESSES[name], "learner": False}
            for number, name in enumerate(members)
        ],
        "version": "v1.36.3",
    }


def whole(name: str, nodes: list[str], members: list[str], **changes: Any) -> dict[str, Any]:
    """A node that has its place in the cluster."""
    master = name in members
    return blank(
        name,
        **{
            "ca": CA,
            "answers": ["192.0.2.10"],
            "kubelet_configured": True,
            "kubelet_healthy": True,
            "etcd_data": master,
            "manifests": ["etcd", "kube-apiserver"] if master else [],
            "view": view(nodes, members) if master else {"error": "no control-plane node"},
            **changes,
        },
    )


def plan(nodes: dict[str, Any], reset: list[str] | None = None) -> dict[str, Any]:
    return cluster_plan(nodes, MASTERS, WORKERS, reset or [])


def all_blank() -> dict[str, Any]:
    return {name: blank(name) for name in ADDRESSES}


def all_whole() -> dict[str, Any]:
    return {name: whole(name, list(ADDRESSES), MASTERS) for name in ADDRESSES}


def test_without_a_cluster_the_first_master_makes_it_and_the_others_join() -> None:
    found = plan(all_blank())
    assert found["first"] == "m1"
    assert found["steps"] == {"m1": "init", "m2": "join", "m3": "join", "w1": "join"}
    assert found["problems"] == []


def test_with_a_whole_cluster_nothing_is_to_be_done() -> None:
    found = plan(all_whole())
    assert set(found["steps"].values()) == {"none"}
    assert found["first"] is None


def test_a_first_master_that_was_made_anew_never_initialises_a_second_cluster() -> None:
    nodes = {name: whole(name, list(ADDRESSES), ["m2", "m3"]) for name in ADDRESSES}
    nodes["m1"] = blank("m1", answers=["192.0.2.10"])
    found = plan(nodes)
    assert found["steps"]["m1"] == "join"
    assert found["giver"] == "m2"


def test_a_master_made_anew_that_etcd_still_counts_needs_consent() -> None:
    nodes = all_whole()
    nodes["m1"] = blank("m1", answers=["192.0.2.10"])
    assert "m1" in plan(nodes)["problems"][0]
    assert plan(nodes, ["m1"])["steps"]["m1"] == "reset_join"


def test_an_api_of_strangers_at_the_vip_stops_everything() -> None:
    nodes = all_blank()
    nodes["m1"] = blank("m1", answers=["192.0.2.10"])
    found = plan(nodes)
    assert found["steps"] == {}
    assert "192.0.2.10" in found["problems"][0]


def test_a_cluster_that_is_down_is_not_made_anew() -> None:
    nodes = all_blank()
    nodes["m3"] = blank("m3", ca=CA, etcd_data=True, kubelet_configured=True)
    found = plan(nodes)
    assert found["steps"] == {}
    assert "m3" in found["problems"][0] and "down" in found["problems"][0]


def test_lost_masters_are_named_where_etcd_has_no_majority() -> None:
    nodes = all_whole()
    members = nodes["m1"]["view"]["members"]
    nodes["m2"] = whole("m2", [], MASTERS, view={"error": "etcd"}, etcd={"members": members, "leader": False},
                        answers=["10.0.0.12"])  # fmt: skip
    for name in ("m1", "m3"):
        nodes[name] = whole(name, [], MASTERS, view={"error": "refused"}, answers=["10.0.0.12"])
    found = plan(nodes)
    assert found["steps"] == {} and len(found["problems"]) == 1
    assert "of its 3 members only m2 runs" in found["problems"][0] and "m1 or m3" in found["problems"][0]


def fallen(name: str, **changes: Any) -> dict[str, Any]:
    """A master of a cluster whose API server shows nothing."""
    return whole(name, [], MASTERS, **{"view": {"error": "refused"}, **changes})


def alone(name: str) -> dict[str, Any]:
    """An etcd that has begun a cluster of itself."""
    return {"members": [{"id": "9", "name": name, "address": ADDRESSES[name], "learner": False}], "leader": True}


def test_lost_data_of_all_masters_is_restored_and_never_made_anew() -> None:
    nodes = {**all_whole(), "m1": fallen("m1", etcd=alone("m1")), "m2": fallen("m2"), "m3": fallen("m3", etcd_data=False)}
    found = plan(nodes)
    assert found["steps"] == {} and len(found["problems"]) == 1
    assert "etcd on m1 counts 1 of m1, m2, m3" in found["problems"][0] and "restore_hosts=all" in found["problems"][0]
    nodes["m1"] = whole("m1", ["m1"], MASTERS, view={"nodes": [], "members": alone("m1")["members"]})
    assert "etcd's data is lost" in plan(nodes)["problems"][0]
    # A list that is still that of the lost data, or a kubelet that has made its own object anew.
    for known in (list(ADDRESSES), ["m1"]):
        nodes["m1"] = whole("m1", known, MASTERS, view={**view(known, ["m1"]), "version": None})
        assert "etcd's data is lost" in plan(nodes)["problems"][0]
    nodes = {**all_whole(), **{name: fallen(name, etcd_data=False, answers=[]) for name in MASTERS}}
    assert "nothing in /var/lib/etcd of m1, m2, m3" in plan(nodes)["problems"][0]


def test_lost_data_of_an_only_master_is_restored() -> None:
    nodes = {"m1": whole("m1", [], ["m1"], view={**view(["m1", "w1"], ["m1"]), "version": None}), "w1": whole("w1", [], [])}
    found = cluster_plan(nodes, ["m1"], ["w1"], [])
    assert found["steps"] == {} and "etcd on m1 counts 1 of m1: it has begun anew" in found["problems"][0]


def test_a_master_taken_out_and_not_wiped_is_no_loss_of_data() -> None:
    nodes = {"m1": whole("m1", ["m1", "w1"], ["m1"]), "m2": fallen("m2"), "m3": blank("m3"), "w1": whole("w1", [], [])}
    assert "m2 has files of a cluster" in plan(nodes)["problems"][0]


def test_a_master_whose_etcd_has_begun_anew_is_no_node_that_only_has_to_start() -> None:
    nodes = {**all_whole(), "m1": fallen("m1", etcd=alone("m1"))}
    assert "restore_hosts=m1" in plan(nodes)["problems"][0]
    assert plan(nodes, ["m1"])["steps"]["m1"] == "reset_join"


def test_an_etcd_that_ends_again_and_again_is_told_with_its_own_words() -> None:
    nodes = {**all_whole(), "m3": fallen("m3", etcd_failure="the log was lost")}
    found = plan(nodes)
    assert "etcd on m3 ends again and again: the log was lost" in found["problems"][0]
    assert plan(nodes, ["m3"])["steps"]["m3"] == "reset_join"
    assert plan({**nodes, "m3": fallen("m3")})["steps"]["m3"] == "start"


def test_a_cluster_whose_etcd_does_not_begin_is_told_with_its_words_and_the_way_back() -> None:
    down = {"view": {"error": "refused"}, "answers": []}
    nodes = {
        "m1": whole("m1", [], MASTERS, **down),
        "m2": whole("m2", [], MASTERS, **down, etcd_failure="discovery failed"),
        "m3": whole("m3", [], MASTERS, **down, etcd_failure="discovery failed"),
        "w1": whole("w1", [], [], answers=[]),
    }
    (problem,) = plan(nodes)["problems"]
    assert "absent. etcd on m2 ends again and again: discovery failed. etcd on m3 ends" in problem
    assert "etcd on m1" not in problem and "playbooks/restore.yml -e restore_hosts=all" in problem


def test_a_node_without_room_is_refused_where_it_is_to_be_made_and_only_there() -> None:
    little = {"/var/lib/containerd": 40 * 2**30, "/var/lib/etcd": 2**28, "/var/lib/kubelet": 40 * 2**30}
    found = plan({**all_blank(), "m2": blank("m2", room=little), "w1": blank("w1", room=little)})
    assert found["problems"] == [
        "m2 has 0.2 GiB free for /var/lib/etcd, and a node needs 1 to begin with: make room there, or give the machine a "
        "larger disk"
    ]
    assert plan({**all_whole(), "m2": whole("m2", list(ADDRESSES), MASTERS, room=little)})["problems"] == []


def test_an_init_that_was_cut_off_is_gone_on_with_where_it_began() -> None:
    nodes = all_blank()
    nodes["m1"] = blank("m1", ca=CA, etcd_data=True, unfinished="init", answers=["10.0.0.11"])
    found = plan(nodes)
    assert found["steps"]["m1"] == "resume_init"
    assert found["first"] == "m1"


def test_an_init_that_was_cut_off_late_is_gone_on_with_although_its_api_answers() -> None:
    nodes = all_blank()
    nodes["m1"] = whole("m1", ["m1"], ["m1"], unfinished="init")
    found = plan(nodes)
    assert found["steps"] == {"m1": "resume_init", "m2": "join", "m3": "join", "w1": "join"}
    assert found["first"] == "m1"


def half_init(name: str, **changes: Any) -> dict[str, Any]:
    """A master on which kubeadm init was begun and did not come to an end."""
    return blank(name, ca=CA, etcd_data=True, manifests=["etcd"], unfinished="init", **changes)


def test_of_two_begun_inits_the_one_that_is_not_named_for_a_reset_is_gone_on_with() -> None:
    nodes = {**all_blank(), "m1": half_init("m1", answers=["10.0.0.11", "10.0.0.12"]), "m2": half_init("m2")}
    assert "name all but one" in plan(nodes)["problems"][0]
    assert plan(nodes, ["m2"])["steps"] == {"m1": "resume_init", "m2": "reset_join", "m3": "join", "w1": "join"}
    assert plan(nodes, ["m1"])["steps"] == {"m1": "reset_join", "m2": "resume_init", "m3": "join", "w1": "join"}
    assert plan(nodes, ["m1"])["first"] == "m2"


def test_of_two_begun_inits_that_answer_the_one_that_is_not_named_for_a_reset_is_gone_on_with() -> None:
    nodes = all_blank()
    nodes["m1"] = whole("m1", ["m1"], ["m1"], unfinished="init")
    nodes["m2"] = whole("m2", ["m2"], ["m2"], unfinished="init", ca="b" * 64)
    assert "different clusters" in plan(nodes)["problems"][0]
    found = plan(nodes, ["m2"])
    assert found["problems"] == []
    assert (found["steps"]["m1"], found["steps"]["m2"]) == ("resume_init", "reset_join")


def test_a_step_that_can_never_end_well_is_begun_anew_with_consent() -> None:
    nodes = {**all_blank(), "m1": half_init("m1")}
    assert plan(nodes, ["m1"])["steps"]["m1"] == "reset_init"
    nodes["m1"] = whole("m1", ["m1"], ["m1"], unfinished="init")
    assert plan(nodes, ["m1"])["steps"]["m1"] == "reset_init"
    nodes = {**all_whole(), "w1": blank("w1", ca=CA, kubelet_configured=True, unfinished="join")}
    assert plan(nodes, ["w1"])["steps"]["w1"] == "reset_join"


def test_a_begun_init_does_not_hide_another_cluster() -> None:
    early = blank("m1", unfinished="init", answers=["192.0.2.10"])
    assert "192.0.2.10" in plan({**all_blank(), "m1": early})["problems"][0]
    late = half_init("m1", answers=["10.0.0.11", "192.0.2.10"])
    assert plan({**all_blank(), "m1": late})["steps"]["m1"] == "resume_init"
    other = half_init("m1", answers=["10.0.0.13"])
    assert "10.0.0.13" in plan({**all_blank(), "m1": other})["problems"][0]


def test_a_master_that_is_wiped_hands_out_nothing() -> None:
    nodes = {name: whole(name, ["m2", "m3", "w1"], MASTERS) for name in ADDRESSES}
    found = plan(nodes, ["m1"])
    assert (found["steps"]["m1"], found["giver"]) == ("reset_join", "m2")
    for name in ("m2", "m3"):
        nodes[name]["view"] = {"error": "no answer"}
    found = plan(nodes, ["m1"])
    assert found["giver"] is None and "only m1 can read the cluster" in found["problems"][0]


def test_a_join_that_was_cut_off_is_gone_on_with() -> None:
    nodes = {name: whole(name, ["m1"], ["m1"]) for name in ["m1"]}
    nodes["m2"] = blank("m2", ca=CA, kubelet_configured=True, unfinished="join")
    nodes.update(m3=blank("m3"), w1=blank("w1", ca=CA, unfinished="join"))
    assert plan(nodes)["steps"] == {"m1": "none", "m2": "resume_join", "m3": "join", "w1": "resume_join"}


def test_remains_of_another_cluster_are_wiped_only_with_consent() -> None:
    nodes = all_whole()
    nodes["w1"] = blank("w1", ca="b" * 64, kubelet_configured=True)
    assert "w1" in plan(nodes)["problems"][0]
    assert plan(nodes, ["w1"])["steps"]["w1"] == "reset_join"


def test_a_whole_node_named_for_a_reset_stays() -> None:
    assert plan(all_whole(), list(ADDRESSES))["steps"]["m2"] == "none"


def test_a_node_that_only_stopped_is_started() -> None:
    nodes = all_whole()
    nodes["m2"] = whole("m2", list(ADDRESSES), MASTERS, view={"error": "refused"}, kubelet_healthy=False)
    nodes["w1"] = whole("w1", list(ADDRESSES), MASTERS, kubelet_healthy=False)
    found = plan(nodes)
    assert (found["steps"]["m2"], found["steps"]["w1"]) == ("start", "start")


def test_a_master_that_only_has_lost_its_way_to_its_own_api_is_told_why() -> None:
    """F6: /etc/kubernetes/admin.conf is there and empty."""
    nodes = all_whole()
    nodes["m2"].update(view={"error": "admin.conf is empty or damaged"}, answers=["192.0.2.10", ADDRESSES["m2"]])
    found = plan(nodes)
    assert found["steps"]["m2"] == "start" and "admin.conf is empty or damaged" in found["reasons"]["m2"]
    assert found["giver"] in ("m1", "m3") and found["problems"] == []
    nodes = {name: {**node, "view": nodes["m2"]["view"], "answers": list(ADDRESSES.values())} for name, node in nodes.items()}
    assert plan(nodes)["steps"] == {}, "nothing is made where no master can read the cluster that answers"


def test_a_master_whose_kubelet_alone_has_stopped_is_started() -> None:
    """Its containers go on, and for most of a minute the cluster calls it ready."""
    nodes = all_whole()
    nodes["m2"]["kubelet_healthy"] = False
    found = plan(nodes)
    assert found["steps"] == {"m1": "none", "m2": "start", "m3": "none", "w1": "none"}
    assert found["giver"] in ("m1", "m3") and "kubelet" in found["reasons"]["m2"]


def test_masters_without_kubelets_still_hand_out_what_their_api_servers_have() -> None:
    nodes = all_whole()
    for name in MASTERS:
        nodes[name]["kubelet_healthy"] = False
    found = plan(nodes)
    assert found["exists"] and found["giver"] in MASTERS and found["problems"] == []


def test_two_clusters_among_the_masters_are_refused() -> None:
    nodes = all_whole()
    nodes["m3"]["ca"] = "b" * 64
    assert "different clusters" in plan(nodes)["problems"][0]


def test_a_control_plane_node_that_the_table_calls_a_worker_is_told() -> None:
    nodes = all_blank()
    nodes["w1"] = blank("w1", ca=CA, etcd_data=True, view=view(["w1"], []))
    found = plan(nodes)
    assert found["steps"] == {} and "w1 is a master of a cluster" in found["problems"][0]
    nodes["w1"]["view"] = {"error": "no answer"}
    assert plan(nodes, ["w1"])["steps"]["w1"] == "reset_join", "what another cluster has left there may be wiped"


def test_nothing_is_decided_without_a_node() -> None:
    nodes = all_blank()
    del nodes["m2"]
    assert plan(nodes)["steps"] == {} and "m2" in plan(nodes)["problems"][0]


conditions = st.fixed_dictionaries(
    {},
    optional={
        "ca": st.sampled_from([CA, "b" * 64]),
        "answers": st.just(["192.0.2.10"]),
        "unfinished": st.sampled_from(["init", "join", "unknown"]),
        "etcd_data": st.booleans(),
        "kubelet_configured": st.booleans(),
        "kubelet_healthy": st.booleans(),
        "view": st.builds(
            view,
            st.lists(st.sampled_from(list(ADDRESSES)), unique=True),
            st.lists(st.sampled_from(MASTERS), unique=True),
        ),
    },
)
sites = st.fixed_dictionaries(
    {name: conditions.map(lambda changes, name=name: blank(name, **changes)) for name in ADDRESSES}
)


@given(sites)
def test_a_cluster_is_made_only_where_nothing_answers_and_nothing_lies(nodes: dict[str, Any]) -> None:
    found = plan(nodes)
    if "init" in found["steps"].values():
        assert not any(node["answers"] or node["view"].get("nodes") is not None for node in nodes.values())
        assert not any(nodes[name]["etcd_data"] for name in MASTERS)


@given(sites)
def test_at_most_one_node_makes_the_cluster(nodes: dict[str, Any]) -> None:
    steps = plan(nodes)["steps"]
    assert sum(step in ("init", "resume_init", "reset_init") for step in steps.values()) <= 1


@given(sites, st.lists(st.sampled_from(list(ADDRESSES)), unique=True))
def test_only_what_is_named_is_wiped_and_no_giver_is(nodes: dict[str, Any], reset: list[str]) -> None:
    found = plan(nodes, reset)
    wiped = {name for name, step in found["steps"].items() if step.startswith("reset")}
    assert wiped <= set(reset)
    assert found["giver"] not in wiped
    assert found["giver"] or found["problems"] or not found["exists"]


@given(sites)
def test_nothing_is_wiped_that_was_not_named(nodes: dict[str, Any]) -> None:
    assert not any(step.startswith("reset") for step in plan(nodes)["steps"].values())


@given(sites)
def test_every_node_has_a_step_or_there_is_a_problem(nodes: dict[str, Any]) -> None:
    found = plan(nodes)
    assert found["problems"] or set(found["steps"]) == set(ADDRESSES)


def test_a_master_whose_api_server_does_not_answer_is_wiped_only_if_it_is_named() -> None:
    nodes = all_whole()
    nodes["m2"]["view"] = {"error": "no answer"}
    assert plan(nodes)["steps"]["m2"] == "start"
    assert plan(nodes, ["m2"])["steps"]["m2"] == "reset_join"
    assert plan(nodes, ["m1"])["steps"]["m1"] == "none"


def test_a_master_that_began_an_etcd_of_its_own_is_told_and_hands_out_nothing() -> None:
    nodes = all_whole()
    nodes["m1"]["view"] = view(["m1"], ["m1"])
    nodes["m1"]["view"]["members"][0]["id"] = "other"
    found = plan(nodes)
    assert found["giver"] == "m2"
    assert "m1" in found["problems"][0] and "begun anew" in found["problems"][0]
    found = plan(nodes, ["m1"])
    assert found["problems"] == [] and found["steps"]["m1"] == "reset_join"


def test_only_masters_that_show_another_cluster_are_wiped_before_the_others_are_asked() -> None:
    nodes = all_whole()
    nodes["m1"]["view"] = view(["m1"], ["m1"])
    nodes["m1"]["view"]["members"][0]["id"] = "other"
    nodes["m2"].update(view={"error": "no answer"})
    assert plan(nodes, ["m1"])["astray"] == ["m1"]
    both = plan({**nodes, "m3": whole("m3", list(ADDRESSES), MASTERS)}, ["m1", "m2"])
    assert both["steps"]["m2"] == "reset_join" and both["astray"] == ["m1"], "m2 is wiped as it joins"
    nodes["m2"].update(answers=[ADDRESSES["m2"]])
    assert plan(nodes, ["m1", "m2"])["astray"] == ["m1", "m2"], "it answers, and nobody can read what"
    assert plan(all_blank(), ["m1", "m2"])["astray"] == []
    half = {**all_blank(), "m1": half_init("m1"), "m2": half_init("m2")}
    assert plan(half, ["m2"])["astray"] == [], "there is no cluster yet that they could hide"


def test_what_a_lab_has_made_forbids_going_on_except_in_a_lab() -> None:
    nodes = {name: blank(name, marks=[]) for name in [*MASTERS, *WORKERS]}
    mark = {"kind": "package", "name": "kubelet", "label": "Detectviz-Lab", "text": "made by the lab"}
    nodes["w1"]["marks"] = [mark]
    found = cluster_plan(nodes, MASTERS, WORKERS)
    assert found["steps"] == {} and found["problems"][0].startswith("w1 has package of a lab: kubelet (made by the lab)")
    assert cluster_plan(nodes, MASTERS, WORKERS, allow_standins=True)["problems"] == []


def test_a_begun_init_whose_cluster_is_in_use_is_only_ended_and_never_wiped() -> None:
    nodes = all_whole()
    nodes["m1"] = whole("m1", list(ADDRESSES), MASTERS, unfinished="init")
    for reset in ([], ["m1"]):
        found = plan(nodes, reset)
        assert found["steps"] == {"m1": "end_init", "m2": "none", "m3": "none", "w1": "none"}
        assert (found["first"], found["giver"], found["problems"]) == ("m1", "m2", [])
    only = {**all_blank(), "m1": whole("m1", ["m1", "w1"], ["m1"], unfinished="init"), "w1": whole("w1", ["m1", "w1"], ["m1"])}
    assert plan(only, ["m1"])["steps"] == {"m1": "end_init", "m2": "join", "m3": "join", "w1": "none"}
    assert plan(only)["giver"] == "m1"


def test_a_master_that_the_table_calls_a_worker_is_told_with_the_way_out() -> None:
    nodes = all_whole()
    for silent in (False, True):
        if silent:
            nodes["m3"]["view"] = {"error": "no answer"}
        found = cluster_plan(nodes, ["m1", "m2"], ["w1", "m3"], ["m3"])
        assert found["steps"] == {}
        assert "m3 is a master of a cluster, and the table calls it a worker now" in found["problems"][0]
        assert "playbooks/remove_node.yml -e remove=m3" in found["problems"][0]


def test_a_worker_that_the_table_calls_a_master_is_told_with_the_way_out() -> None:
    nodes = all_whole()
    found = cluster_plan(nodes, ["m1", "m2", "m3", "w1"], [])
    assert "w1 is a worker of a cluster, and the table calls it a master now" in found["problems"][0]
    assert "playbooks/remove_node.yml -e remove=w1" in found["problems"][0]
    assert cluster_plan(nodes, ["m1", "m2", "m3", "w1"], [], ["w1"])["steps"]["w1"] == "reset_join"


def test_masters_that_a_restore_has_stopped_are_told_as_that() -> None:
    stopped = {"manifests": [], "stopped": ["etcd", "kube-apiserver"], "view": {"error": "down"}, "answers": []}
    nodes = {name: whole(name, list(ADDRESSES), MASTERS, **stopped) for name in MASTERS}
    nodes["w1"] = whole("w1", list(ADDRESSES), MASTERS, answers=[])
    assert plan(nodes)["problems"] == [
        "m1, m2, m3 were stopped for a restore that did not end: run playbooks/restore.yml again, which goes on from there "
        "(the manifests wait in /etc/kubernetes/detectviz-stopped)"
    ]


def test_a_master_that_was_stopped_and_has_no_data_is_told_as_that_too() -> None:
    """A restore ended between the former data and that of the backup."""
    nodes = {"m1": blank("m1", ca=CA, stopped=["etcd"]), "w1": blank("w1")}
    (problem,) = cluster_plan(nodes, ["m1"], ["w1"])["problems"]
    assert problem.startswith("m1 was stopped for a restore that did not end: run playbooks/restore.yml again")
