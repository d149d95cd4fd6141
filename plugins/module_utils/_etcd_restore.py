# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup put back on a control-plane node. The node's former data is moved aside, never deleted."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as node_state
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import PKI_FILES, SNAPSHOT, read_archive
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcdutl import (
    etcd_image,
    fetch_image,
    from_image,
    restore_snapshot,
    snapshot_status,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import API_PORT, FILES_DIR
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    ETCD_DATA,
    ETCD_PORT,
    MANIFESTS,
    PKI,
    STOPPED,
    fingerprint,
    has_leftovers,
    read_text,
)

STATE = Path("/var/lib/detectviz-infra")
WORK = STATE / "restore"
DATA = WORK / "data"
PODS = ("kube-apiserver", "etcd")


def stop(clock: Clock, address: str, timeout: float) -> bool:
    """Takes etcd and the API server of this node down; whether they were up."""
    STOPPED.mkdir(mode=0o700, exist_ok=True)
    moved = False
    for name in PODS:
        manifest = MANIFESTS / f"{name}.yaml"
        if manifest.exists():
            manifest.replace(STOPPED / manifest.name)
            moved = True
    node.wait_until(
        clock, timeout, "the end of etcd and the API server", lambda: not any(map(_listens(address), (ETCD_PORT, API_PORT)))
    )
    return moved


def start(run: node.Run, clock: Clock, address: str, timeout: float) -> bool:
    """Lets etcd and the API server run again and waits until the API is ready; whether they had to be let.

    Where etcd's data was lost they have failed over and over before they were stopped.
    """
    moved = False
    for name in reversed(PODS):
        manifest = STOPPED / f"{name}.yaml"
        if manifest.exists():
            manifest.replace(MANIFESTS / manifest.name)
            moved = True
    if STOPPED.is_dir():
        STOPPED.rmdir()
    if not node.ready(address):
        node.restart_kubelet(run)
    node.wait_until(clock, timeout, "the API server", lambda: node.ready(address))
    keep_former()
    return moved


def _listens(address: str) -> Any:
    def listens(port: int) -> bool:
        try:
            with socket.create_connection((address, port), timeout=2):
                return True
        except OSError:
            return False

    return listens


def prepare(
    run: node.Run, archive: Path, key: str, name: str, members: Mapping[str, str], token: str, identity: bool,
    containerd_folder: str,
) -> dict[str, Any]:
    """Makes etcd's data of the backup, beside what is there; nothing of the cluster is touched. The backup's list of contents.

    ``members``: {name: address} of all that are restored together. With ``identity``, on a machine without a cluster, the
    CAs and keys are laid ready as well.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(mode=0o700, parents=True)
    try:
        with node.secret_file("backup.pem", key) as key_file:
            contents = read_archive(archive, key_file, WORK)
        if identity:
            _nothing_else(contents)
        else:
            _same_cluster(contents)
        images = run(["kubeadm", "config", "images", "list"])[1]
        manifest = read_text(MANIFESTS / "etcd.yaml") or read_text(STOPPED / "etcd.yaml")
        image = contents["etcd_image"] if identity else etcd_image(manifest, images)
        # Where the backup is of another patch than this node's kubeadm, no one has fetched it yet.
        fetch_image(run, image, containerd_folder)
        tool = from_image(run, image)
        status = snapshot_status(tool, WORK / SNAPSHOT)
        if status["hash"] != contents["etcd"]["hash"]:
            raise InfraError(f"the snapshot's hash is {status['hash']}, and was {contents['etcd']['hash']}: take another backup")
        restore_snapshot(tool, WORK / SNAPSHOT, DATA, name, members, token)
        (WORK / SNAPSHOT).unlink()
        if not identity:
            shutil.rmtree(WORK / "pki")
    except BaseException:
        shutil.rmtree(WORK, ignore_errors=True)
        raise
    return contents


def put_back(identity: bool, restored: str, stamp: str) -> bool:
    """What was prepared takes the place of the former data; whether it had to. ``restored``: as ``of_backup`` names it.

    With ``identity`` the CAs and keys are there before the data is, and kubeadm init goes on from here as after a run that
    ended half-way. A restore that has come so far is left alone: etcd may run on that data already.
    """
    if identity and node_state.begun().get("restored") == restored and ETCD_DATA.exists():
        return False
    if not (DATA / "member").is_dir():
        raise InfraError("nothing was prepared to be put back: run again")
    # Etcd's data may be on a disk of its own, to which a move copies: all that can fail for want of room comes first.
    part = ETCD_DATA.with_name("member.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.move(str(DATA / "member"), str(part))
    if identity:
        node.begin("init", restored=restored)
        _write_identity()
    former = ETCD_DATA.with_name(f"member.before-{stamp}")
    if ETCD_DATA.exists():
        ETCD_DATA.replace(former)
    part.replace(ETCD_DATA)
    return True


def keep_former() -> None:
    """Moves former data of etcd out of etcd's folder. It is whole where it is, should this fail."""
    for former in ETCD_DATA.parent.glob("member.before-*"):
        shutil.move(str(former), str(STATE / f"etcd-{former.name.partition('.')[2]}"))


def of_backup(contents: Mapping[str, Any]) -> str:
    """What tells a backup's data from that of any other."""
    return f"{contents['etcd']['revision']}-{contents['etcd']['hash']}"


def tidy() -> bool:
    """Takes away what was prepared; whether there was anything."""
    found = WORK.exists()
    shutil.rmtree(WORK, ignore_errors=True)
    return found


def would_change(state: str) -> bool:
    """Whether reaching a state of the module would change the node, told without the backup."""
    if state in ("stopped", "started"):
        folder = MANIFESTS if state == "stopped" else STOPPED
        return any((folder / f"{name}.yaml").exists() for name in PODS)
    return WORK.exists() if state == "tidy" else True


def _same_cluster(contents: Mapping[str, Any]) -> None:
    own = read_text(PKI / "ca.crt")
    if own is None or fingerprint(own) != contents["ca"]:
        raise InfraError("the backup is of another cluster (its CA differs): name a backup of this one")


def _nothing_else(contents: Mapping[str, Any]) -> None:
    if has_leftovers() and node_state.begun().get("restored") != of_backup(contents):
        raise InfraError(
            "it has files of a cluster (/etc/kubernetes, /var/lib/etcd), so the identity of another is not written over "
            "them: make the machine anew, or wipe it with kubeadm reset"
        )


def _write_identity() -> None:
    for name in PKI_FILES:
        target = PKI / name
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        node.write_private(target, (WORK / "pki" / name).read_text(encoding="ascii"))
        if target.suffix != ".key":
            target.chmod(0o644)
    Path(FILES_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    for source in sorted((WORK / "apiserver").glob("*.json")):
        node.write_private(Path(FILES_DIR) / source.name, source.read_text(encoding="utf-8"))
