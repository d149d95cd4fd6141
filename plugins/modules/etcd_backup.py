#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that makes an encrypted backup of a cluster on a control-plane node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup
author: The detectviz.infra authors (@detectviz)
short_description: Make an encrypted backup of a Kubernetes cluster on one of its masters
version_added: 0.1.0
description:
  - Takes a snapshot of etcd while it runs, and packs it with what makes the cluster itself, its CAs with their keys, the
    keys of the service accounts, the files of the API server (how Secrets are encrypted) and kubeadm's configuration.
  - The snapshot is checked by its checksum and by C(etcdutl), which comes out of the image that etcd runs in.
  - The archive is encrypted (CMS, AES-256-GCM) for the holder of the key of O(certificate). The node cannot read it again.
  - Runs as root on a control-plane node made by C(kubeadm).
requirements:
  - openssl and containerd's ctr (on the node)
attributes:
  check_mode:
    description: Tells that a backup would be made.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Each run makes a backup.
    support: none
options:
  address:
    description: The node's address at which its etcd and its API server answer.
    type: str
    required: true
  node:
    description: The node's name, for the list of contents.
    type: str
    required: true
  site:
    description: The site's name, the beginning of the archive's name.
    type: str
    required: true
  certificate:
    description: PEM of the certificate that the archive is encrypted for.
    type: str
    required: true
  folder:
    description:
      - Folder for the encrypted archive. It belongs to the user that has become root.
      - An archive is there only until it is fetched. Earlier ones of O(site), which a run that was ended has left there, are
        removed first.
    type: path
    default: /var/backups/detectviz-infra
"""

EXAMPLES = r"""
- name: A backup is made
  detectviz.infra.etcd_backup:
    address: 192.0.2.11
    node: node-1
    site: example
    certificate: "{{ lookup('ansible.builtin.file', 'backup.crt') }}"
"""

RETURN = r"""
backup:
  description: C(path), C(sha256) and C(size) in bytes of the archive, and its list of C(contents), in which nothing is secret.
  returned: success, not in check mode
  type: dict
"""

import datetime
import os
import re
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._backup_archive import PKI_FILES, SNAPSHOT, write_archive
from ansible_collections.detectviz.infra.plugins.module_utils._backup_names import backup_name, left_on_node
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_snapshot import save_snapshot
from ansible_collections.detectviz.infra.plugins.module_utils._etcdutl import etcd_image, from_image, snapshot_status
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import ENCRYPTION_FILE, FILES_DIR
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import only_one
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    ETCD_CLIENT,
    ETCD_PORT,
    MANIFESTS,
    PKI,
    admin_api,
    read_text,
)

WORK = Path("/var/lib/detectviz-infra/backup")
"""For root alone, on the disk of etcd's own data: the snapshot is here until it is encrypted."""
KUBEADM_CONFIG = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
WAIT = 300

ARGUMENT_SPEC = {
    "address": {"type": "str", "required": True},
    "node": {"type": "str", "required": True},
    "site": {"type": "str", "required": True},
    "certificate": {"type": "str", "required": True},
    "folder": {"type": "path", "default": "/var/backups/detectviz-infra"},
}


def encryption_elsewhere(manifest: str) -> str | None:
    """The file named in the API server's manifest by which Secrets are encrypted, if that is another than ours."""
    named = re.search(r"--encryption-provider-config=[\"']?([^\s\"']+)", manifest)
    return named[1] if named and named[1] != ENCRYPTION_FILE else None


def cluster_files() -> dict[str, Path | bytes]:
    """What makes the cluster itself, by name in the archive. Raises ProblemsError with all that is missing."""
    files: dict[str, Path | bytes] = {f"pki/{name}": PKI / name for name in PKI_FILES}
    missing = [str(path) for path in files.values() if isinstance(path, Path) and not path.is_file()]
    if missing:
        raise ProblemsError(
            "A backup without these could not bring the cluster back; keys that are kept elsewhere are not supported",
            missing,
        )
    keys = encryption_elsewhere(read_text(MANIFESTS / "kube-apiserver.yaml") or "")
    if keys:
        raise InfraError(
            f"the API server reads how Secrets are encrypted from {keys}, which a backup does not hold, so that no Secret could be "
            f"read again: move it to {ENCRYPTION_FILE}, and name that in the API server's manifest and kubeadm's configuration"
        )
    own = sorted(Path(FILES_DIR).glob("*.json"))
    return {**files, **{f"apiserver/{path.name}": path for path in own}}


def back_up(module: AnsibleModule) -> dict[str, Any]:
    """The backup as it is in the folder."""
    params, run = module.params, runner(module)
    folder, taken = Path(params["folder"]), datetime.datetime.now(datetime.timezone.utc)
    owner = int(os.environ.get("SUDO_UID") or os.geteuid())
    # What an ended run has left is of no use.
    shutil.rmtree(WORK, ignore_errors=True)
    for name in left_on_node([item.name for item in folder.glob("*")], params["site"]):
        (folder / name).unlink()
    WORK.mkdir(mode=0o700, parents=True)
    try:
        snapshot = WORK / SNAPSHOT
        files = cluster_files()
        save_snapshot(params["address"], ETCD_PORT, ETCD_CLIENT, snapshot)
        image = etcd_image(read_text(MANIFESTS / "etcd.yaml"), "")
        status = snapshot_status(from_image(run, image), snapshot)
        kubeadm = admin_api(params["address"]).get(KUBEADM_CONFIG)["data"]["ClusterConfiguration"]
        about = {
            "site": params["site"], "node": params["node"], "taken": taken.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "etcd_image": image, "etcd": status,
        }  # fmt: skip
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / backup_name(params["site"], taken)
        contents = write_archive(
            path, params["certificate"], about, {**files, "kubeadm/ClusterConfiguration.yaml": kubeadm.encode(), SNAPSHOT: snapshot}
        )
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    for item in (folder, path):
        os.chown(item, owner, -1)
    return {"path": str(path), "sha256": module.sha256(str(path)), "size": path.stat().st_size, "contents": contents}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        with only_one(SystemClock(), WAIT):
            backup = back_up(module)
        module.exit_json(changed=True, backup=backup)
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"{module.params['node']}: no backup was made: {error}")


if __name__ == "__main__":
    main()
