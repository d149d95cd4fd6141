# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node wiped of what a cluster left on it, after a copy of what cannot be made again."""

from __future__ import annotations

import ipaddress
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_certificates import STASH
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import FILES_DIR
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import RUN_DIR, end, kubeadm
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    ETCD_DATA,
    PKI,
    STOPPED,
    UNFINISHED,
    kubeadm_wrote,
)
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_upgrade import KUBEADM_BACKUPS, MARK
from ansible_collections.detectviz.infra.plugins.module_utils._pod_network_leftovers import clear

LEFT_BY_RESET = (
    "/etc/cni/net.d/10-calico.conflist",
    "/etc/cni/net.d/calico-kubeconfig",
    "/var/lib/etcd",
    "/var/lib/cni",
    "/var/lib/calico",
    str(STOPPED),
)
"""kubeadm reset leaves these, and what ``_pod_network_leftovers`` names."""

LEFT_BY_RUNS = (STASH, KUBEADM_BACKUPS, MARK)
"""What runs have left that ended in the middle, and kubeadm's copies of manifests. On a node that joins again they would be
gone on with, or put back."""

REMOVED = UNFINISHED.parent / "removed"
"""What nodes that were wiped had, by time."""

Run = Callable[[list[str]], tuple[int, str]]


def reset(run: Run, vip: str) -> tuple[str | None, list[str]]:
    """Wipes what a cluster left on this node. Keys and etcd's data are put aside.

    Returns their folder, None if there was nothing, and what was taken out of the kernel.

    ``vip``: an address that kube-vip may have left on an interface, or "".
    """
    try:
        aside = REMOVED / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        keep(aside, PKI, Path(FILES_DIR))
        # Its etcd member was removed through another master before; here it would be asked of an API that may not answer.
        kubeadm(run, "reset", "--force", "--skip-phases", "remove-etcd-member")
        # Only now, as etcd has ended.
        keep(aside, ETCD_DATA)
        for path in LEFT_BY_RESET:
            wipe(Path(path))
        wipe(Path(FILES_DIR))
        for path in LEFT_BY_RUNS:
            wipe(path)
        cleared = clear(run, RUN_DIR)
    except OSError as error:
        raise InfraError(f"it was not wiped: {error}; mend that on the node, and run again") from error
    if vip:
        release(run, vip)
    end()
    return (str(aside) if aside.exists() else None), cleared


def found_files() -> bool:
    """Whether there are files that a reset would remove, of kubeadm or of a run that has not ended."""
    return kubeadm_wrote() or any(path.exists() for path in (UNFINISHED, *LEFT_BY_RUNS))


def keep(aside: Path, *folders: Path) -> None:
    """Copies folders that are there and not empty, for root alone."""
    for folder in folders:
        if folder.is_dir() and any(folder.iterdir()):
            for parent in (aside.parent.parent, aside.parent, aside):
                parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copytree(folder, aside / folder.name, symlinks=True, dirs_exist_ok=True)


def wipe(path: Path) -> None:
    """Removes a file or a folder; of a folder that is a mount point, or that a link leads to, what is in it."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for child in path.iterdir():
        if child.is_symlink():
            child.unlink()
        else:
            wipe(child)
    if not (path.is_symlink() or path.is_mount()):
        path.rmdir()


def release(run: Run, vip: str) -> None:
    """Takes an address off the interface that has it: kube-vip was ended before it could."""
    code, text = run(["ip", "-json", "address", "show"])
    if code != 0:
        raise InfraError(f"ip address show ended with code {code}: {text}")
    for link in json.loads(text):
        for found in link.get("addr_info") or []:
            if ipaddress.ip_address(found["local"]) == ipaddress.ip_address(vip):
                address = f"{vip}/{found['prefixlen']}"
                code, text = run(["ip", "address", "delete", address, "dev", link["ifname"]])
                if code != 0:
                    raise InfraError(f"{address} could not be taken off {link['ifname']}: {text.strip()}")
