#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that makes the key of a site's backups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup_key
author: The detectviz.infra authors (@detectviz)
short_description: Make the key of a site's backups, once
version_added: 0.1.0
description:
  - Keeps a file with an RSA key and its certificate. The key reads backups; the certificate is enough to make them.
  - An existing file is never changed. Without it no backup can be read, so keep a copy of it elsewhere.
requirements:
  - cryptography (on the controller)
attributes:
  check_mode:
    description: Says whether a key would be made, and returns no certificate then.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  path:
    description: The file (PEM, mode V(0600)). Its folder must exist.
    type: path
    required: true
  site:
    description: The site's name, for the certificate.
    type: str
    required: true
  create:
    description: Whether a missing file is made. If V(false), it is an error.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The key of the backups
  detectviz.infra.etcd_backup_key:
    path: "{{ state_dir }}/secrets/etcd-backup.pem"
    site: example
"""

RETURN = r"""
certificate:
  description: PEM of the certificate. It is not secret. Empty if it would be made (check mode).
  returned: success
  type: str
"""

import datetime
import os
import re
import traceback
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_node import write_private

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

BITS = 3072
YEARS = 30
"""OpenSSL does not look at it; a key is replaced by naming another file."""

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "site": {"type": "str", "required": True},
    "create": {"type": "bool", "default": True},
}


def certificate_in(text: str) -> str | None:
    """The certificate of a PEM file that holds a private key too; None if one is missing."""
    found = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", text, re.DOTALL)
    return found[0] if found and "PRIVATE KEY-----" in text else None


def new_pem(site: str) -> str:
    """A key and its certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, f"{site} backups")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode() + certificate.public_bytes(serialization.Encoding.PEM).decode()


def write_new(path: Path, text: str) -> bool:
    """Writes a file whole or not at all; whether it was not there. Nothing ever takes the place of one that is."""
    fresh = path.with_name(path.name + ".new")
    write_private(fresh, text)
    try:
        # A move would take the place of a key that another run has made meanwhile.
        os.link(fresh, path)
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    return True


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if not HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=traceback.format_exc())
    path, made = module.params["path"], False
    try:
        if not os.path.exists(path):
            if not module.params["create"]:
                module.fail_json(msg=f"{path}, the key of the backups, is not there: put it back from where you keep its copy")
            if module.check_mode:
                module.exit_json(changed=True, certificate="")
            made = write_new(Path(path), new_pem(module.params["site"]))
        text = Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"The key of the backups, {path}: {error}")
    if not text:
        module.fail_json(
            msg=f"{path}, the key of the backups, is empty: put it back from where you keep its copy. If there has never been a key, "
            "a run that was ended has left it so: then it may be removed, and the next run makes one"
        )
    certificate = certificate_in(text)
    if certificate is None:
        module.fail_json(msg=f"{path} is not the key of the backups: it holds a private key and its certificate, as PEM")
    module.exit_json(changed=made, certificate=certificate)


if __name__ == "__main__":
    main()
