"""Labels and taints of a node: only the table's, and those that were the table's."""

from __future__ import annotations

from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._node_metadata import MANAGED, node_patch
from hypothesis import given
from hypothesis import strategies as st

TAINT = {"key": "dedicated", "value": "storage", "effect": "NoSchedule"}
FOREIGN = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}


def node(labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "n", "resourceVersion": "7", "labels": labels or {}, "annotations": {}},
        "spec": {"taints": taints or []},
    }


def patched(before: dict[str, Any], patch: dict[str, Any] | None) -> dict[str, Any]:
    """The node after the API server has applied a merge patch."""
    if patch is None:
        return before
    metadata = patch["metadata"]
    labels = {**before["metadata"]["labels"], **metadata.get("labels", {})}
    return {
        "metadata": {
            **before["metadata"],
            "labels": {key: value for key, value in labels.items() if value is not None},
            "annotations": {**before["metadata"]["annotations"], **metadata.get("annotations", {})},
        },
        "spec": patch.get("spec", before["spec"]),
    }


def test_a_label_that_the_table_no_longer_has_goes_and_others_stay() -> None:
    first = patched(node({"theirs": "1"}), node_patch(node({"theirs": "1"}), {"ours": "1"}, []))
    assert first["metadata"]["labels"] == {"theirs": "1", "ours": "1"}
    second = patched(first, node_patch(first, {}, []))
    assert second["metadata"]["labels"] == {"theirs": "1"}


def test_a_label_that_somebody_changed_is_set_back() -> None:
    first = patched(node(), node_patch(node(), {"zone": "pve1"}, []))
    first["metadata"]["labels"]["zone"] = "other"
    assert patched(first, node_patch(first, {"zone": "pve1"}, []))["metadata"]["labels"] == {"zone": "pve1"}


def test_taints_of_kubernetes_itself_stay() -> None:
    before = node(taints=[FOREIGN])
    after = patched(before, node_patch(before, {}, [TAINT]))
    assert after["spec"]["taints"] == [FOREIGN, TAINT]
    assert patched(after, node_patch(after, {}, []))["spec"]["taints"] == [FOREIGN]


def test_a_taint_is_known_by_key_and_effect() -> None:
    before = node(taints=[{**TAINT, "value": "old", "timeAdded": "then"}])
    assert patched(before, node_patch(before, {}, [TAINT]))["spec"]["taints"] == [{**TAINT, "timeAdded": "then"}]


def test_a_taint_that_must_not_be_there_goes_whoever_set_it() -> None:
    before = node(taints=[FOREIGN, {"key": "gone", "effect": "NoSchedule"}])
    assert patched(before, node_patch(before, {}, [], ["gone"]))["spec"]["taints"] == [FOREIGN]


def test_a_list_of_taints_is_replaced_only_as_it_was_read() -> None:
    patch = node_patch(node(), {}, [TAINT])
    assert patch is not None and patch["metadata"]["resourceVersion"] == "7"


def test_an_annotation_that_somebody_broke_does_no_harm() -> None:
    broken = node({"theirs": "1"})
    broken["metadata"]["annotations"][MANAGED] = "[1, 2"
    assert patched(broken, node_patch(broken, {"a": "b"}, []))["metadata"]["labels"] == {"theirs": "1", "a": "b"}


keys = st.sampled_from(["a", "b", "c", "d"])
labels = st.dictionaries(keys, st.sampled_from(["1", "2"]))
taints = st.lists(
    st.builds(lambda key, value, effect: {"key": key, "value": value, "effect": effect}, keys, keys,
              st.sampled_from(["NoSchedule", "NoExecute"])),
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)  # fmt: skip


@given(labels, taints, labels, taints, labels, taints)
def test_a_second_run_changes_nothing_and_the_table_is_always_reached(
    present: dict[str, str],
    tainted: list[Any],
    first: dict[str, str],
    one: list[Any],
    last: dict[str, str],
    two: list[Any],
) -> None:
    current = node(present, tainted)
    for wanted, wanted_taints in ((first, one), (last, two)):
        current = patched(current, node_patch(current, wanted, wanted_taints))
        assert node_patch(current, wanted, wanted_taints) is None
    assert last.items() <= current["metadata"]["labels"].items()
    assert all(taint in current["spec"]["taints"] for taint in two)
    assert set(current["metadata"]["labels"]) <= set(present) | set(last)
