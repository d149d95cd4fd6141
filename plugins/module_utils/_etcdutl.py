# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcdutl and its work on snapshots: it comes out of the image that the node's etcd runs, so it is of etcd's own version."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd_images import fetch, present
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_members import initial_cluster, peer_url

BUMP = 1_000_000_000
"""Added to the revision of a restored store, so that no client mistakes old for new: more writes than etcd sees in years."""

Run = Callable[[list[str]], tuple[int, str]]
Tool = Callable[[list[str], Path], str]
"""Runs etcdutl with arguments on a folder that it may write; its output. Raises InfraError."""


def etcd_image(manifest: str | None, images: str) -> str:
    """The image of the static pod; before there is one, that which kubeadm would take. Raises InfraError."""
    match = re.search(r"""["']?image["']?:\s*["']?([^\s"',]+)""", manifest or "")
    if match:
        return match[1]
    for image in images.split():
        if re.search(r"/etcd:", image):
            return image
    raise InfraError("No image of etcd is known on this node: install kubeadm, or fetch the control plane's images first")


def fetch_image(run: Run, image: str, containerd_folder: str) -> None:
    """Fetches an image that containerd has not got, through its mirrors. Raises InfraError."""
    if image not in present(run):
        fetch(run, image, "whose etcdutl is needed", containerd_folder)


def from_image(run: Run, image: str) -> Tool:
    """etcdutl in a container of containerd's, without network."""

    def tool(arguments: list[str], folder: Path) -> str:
        mount = f"type=bind,src={folder},dst={folder},options=rbind:rw"
        code, output = run(
            ["ctr", "--namespace", "k8s.io", "run", "--rm", "--mount", mount, image, f"etcdutl-{folder.name}", "etcdutl", *arguments]
        )  # fmt: skip
        if code != 0:
            raise InfraError(f"etcdutl {arguments[0]} {arguments[1]} of {image} ended with code {code}: {output.strip()[-500:]}")
        return output

    return tool


def snapshot_status(tool: Tool, snapshot: Path) -> dict[str, Any]:
    """``{hash, revision, keys, version}`` as etcd itself reads the snapshot."""
    output = tool(["snapshot", "status", str(snapshot), "--write-out", "json"], snapshot.parent)
    try:
        status = json.loads(output.strip().splitlines()[-1])
        return {
            "hash": f"{status['hash']:08x}", "revision": status["revision"], "keys": status["totalKey"],
            "version": status.get("version") or "",
        }  # fmt: skip
    except (ValueError, KeyError, IndexError) as error:
        raise InfraError(f"etcdutl did not tell the state of the snapshot: {output.strip()[-300:]}") from error


def restore_snapshot(tool: Tool, snapshot: Path, target: Path, name: str, members: Mapping[str, str], token: str) -> None:
    """Makes the data folder ``target`` (beside the snapshot, not there yet) of the member ``name`` of {name: address}."""
    tool(
        [
            "snapshot", "restore", str(snapshot), "--data-dir", str(target), "--name", name,
            "--initial-cluster", initial_cluster(members), "--initial-advertise-peer-urls", peer_url(members[name]),
            "--initial-cluster-token", token, "--bump-revision", str(BUMP), "--mark-compacted",
        ],
        snapshot.parent,
    )  # fmt: skip
