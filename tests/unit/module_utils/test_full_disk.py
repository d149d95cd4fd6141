# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full or cannot be written is told with its file and, as all else, with the node."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import module_stub
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_join_material as material
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as observe
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_upgrade as upgrade
from ansible_collections.detectviz.infra.plugins.modules import (
    kubeadm_certificates,
    kubeadm_join_material,
    kubeadm_node,
    kubeadm_upgrade,
)

NODE = {"name": "n1", "address": "192.0.2.11", "timeout": 0}


class Api:
    def post(self, _path: str, _body: Any) -> None:
        """Takes all."""


@pytest.fixture
def run_dir(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(node, "RUN_DIR", root / "run")
    monkeypatch.setattr(node, "LOCK", root / "run/lock")
    # The machine of the tests may be a lab's, where kubeadm works on guests.
    monkeypatch.setattr(upgrade, "processes", lambda _name: set())
    return root / "run"


def full(path: Path) -> None:
    """A file for which there is no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.part").symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("module", "params"),
    [
        (kubeadm_node, {"state": "observed"}),
        (kubeadm_certificates, {"state": "renewed"}),
        (kubeadm_upgrade, {"state": "observed"}),
    ],
)
def test_a_folder_that_cannot_be_made_is_told(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, module: types.ModuleType, params: dict[str, Any]
) -> None:
    run_dir.parent.joinpath("run").touch()
    said = module_stub.run(module, monkeypatch, **NODE, **params)
    assert said == {"failed": True, "msg": f"n1: [Errno 17] File exists: '{run_dir}'"}


def test_a_step_that_cannot_be_written_down_is_not_begun(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full(observe.UNFINISHED)
    said = module_stub.run(kubeadm_node, monkeypatch, state="joined", material={}, **NODE)
    assert said == {"failed": True, "msg": f"n1: [Errno 28] No space left on device: '{observe.UNFINISHED}.part'"}
    assert observe.unfinished() is None


def test_an_upgrade_that_cannot_be_written_down_is_not_begun(
    run_dir: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "MARK", root / "var/mark.json")
    full(upgrade.MARK)
    said = module_stub.run(kubeadm_upgrade, monkeypatch, state="upgraded", command="node", version="v1.36.3", **NODE)
    assert said == {"failed": True, "msg": f"n1: [Errno 28] No space left on device: '{upgrade.MARK}.part'"}


def test_material_that_cannot_be_made_is_told(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PKI", "MANIFESTS"):
        monkeypatch.setattr(material, name, getattr(observe, name))
    observe.MANIFESTS.mkdir()
    (observe.PKI / "ca.crt").write_text("CA", encoding="ascii")
    (observe.MANIFESTS / "kube-apiserver.yaml").write_text("command: [kube-apiserver]", encoding="ascii")
    monkeypatch.setattr(material, "admin_api", lambda _address: Api())
    full(run_dir / "upload.json")
    cluster = {
        "name": "c", "version": "v1.36.3", "endpoint": "192.0.2.10:6443", "certificate_names": [], "pod_cidrs": [], "service_cidrs": [],
    }  # fmt: skip
    said = module_stub.run(kubeadm_join_material, monkeypatch, address="192.0.2.11", control_plane=True, cluster=cluster)
    wanted = f"join material on 192.0.2.11: [Errno 28] No space left on device: '{run_dir}/upload.json.part'"
    assert said == {"failed": True, "msg": wanted}
