"""What is read of a node before and after kubeadm upgrade."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_upgrade as upgrade
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError

VERSION = "v1.36.3"
WANTED = {"etcd": "3.6.8-0", "kube-apiserver": VERSION}


def pod(component: str, image: str, ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"component": component}},
        "spec": {"containers": [{"image": image}]},
        "status": {"containerStatuses": [{"ready": ready}]},
    }


PODS = [pod("etcd", "registry.k8s.io/etcd:3.6.8-0"), pod("kube-apiserver", f"mirror:5000/kube-apiserver:{VERSION}")]


def test_deprecated_apis_are_those_that_were_asked_for_and_go_away() -> None:
    text = """
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="pdbs",subresource="",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="x",removed_release="1.40",resource="y",subresource="",version="v1"} 0
apiserver_request_total{code="200"} 12
"""
    (found,) = upgrade.parse_deprecated(text)
    assert (found["group"], found["resource"], found["removed_release"]) == ("policy", "pdbs", "1.25")


def test_a_control_plane_is_settled_when_every_pod_runs_what_its_file_says() -> None:
    assert upgrade.pods_unsettled(PODS, WANTED, VERSION) is None
    assert "not there yet" in str(upgrade.pods_unsettled(PODS[:1], WANTED, VERSION))
    old = [PODS[0], pod("kube-apiserver", "registry.k8s.io/kube-apiserver:v1.35.8")]
    assert "still runs v1.35.8" in str(upgrade.pods_unsettled(old, WANTED, VERSION))
    assert "not ready" in str(upgrade.pods_unsettled([pod("etcd", "e:3.6.8-0", ready=False), PODS[1]], WANTED, VERSION))
    assert "has the image of v1.35.8" in str(upgrade.pods_unsettled(PODS, {"kube-apiserver": "v1.35.8"}, VERSION))


def test_the_configuration_of_both_commands_names_checks_and_never_all() -> None:
    found = upgrade.upgrade_configuration(VERSION, ["SystemVerification"])
    assert (found["kind"], found["apply"]["kubernetesVersion"]) == ("UpgradeConfiguration", VERSION)
    assert found["apply"]["ignorePreflightErrors"] == found["node"]["ignorePreflightErrors"] == ["SystemVerification"]
    with pytest.raises(ProblemsError):
        upgrade.upgrade_configuration(VERSION, ["all"])


@pytest.fixture
def folders(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("manifests", "tmp/kubeadm-backup-manifests-2026-01-01", "tmp/kubeadm-backup-manifests-2026-01-02"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(upgrade.node_state, "MANIFESTS", tmp_path / "manifests")
    monkeypatch.setattr(upgrade, "KUBEADM_BACKUPS", tmp_path / "tmp")
    monkeypatch.setattr(upgrade, "MARK", tmp_path / "mark.json")
    for name in upgrade.node_state.CONTROL_PLANE_PODS:
        (tmp_path / "manifests" / f"{name}.yaml").write_text(f"spec:\n  containers:\n  - image: registry.k8s.io/{name}:v1\n")
    return tmp_path


def test_a_manifest_that_a_killed_kubeadm_had_moved_aside_is_put_back_from_the_newest_copy(folders: Any) -> None:
    (folders / "manifests/kube-scheduler.yaml").unlink()
    for day in ("01", "02"):
        (folders / f"tmp/kubeadm-backup-manifests-2026-01-{day}/kube-scheduler.yaml").write_text(day)
    assert upgrade.restore_manifests() == []  # nothing of ours was begun here
    upgrade.MARK.write_text('{"command": "apply", "version": "v1.36.3"}')
    assert upgrade.restore_manifests() == ["kube-scheduler"]
    assert (folders / "manifests/kube-scheduler.yaml").read_text() == "02"
    assert [path.name for path in (folders / "manifests").iterdir() if path.name.startswith(".")] == []


def test_static_pods_and_the_mark_are_read(folders: Any) -> None:
    assert upgrade.static_pods() == dict.fromkeys(upgrade.node_state.CONTROL_PLANE_PODS, "v1")
    assert upgrade.begun() is None
    upgrade.MARK.write_text("cut o")
    assert upgrade.begun() == {"command": "node", "version": "unknown"}
    upgrade.MARK.write_text('{"command": "apply", "version": "v1.36.3"}')
    assert upgrade.begun() == {"command": "apply", "version": VERSION}
