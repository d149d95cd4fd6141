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

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

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
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
                handle.write(new_pem(module.params["site"]))
            made = True
        with open(path, encoding="ascii") as handle:
            certificate = certificate_in(handle.read())
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"The key of the backups, {path}: {error}")
    if certificate is None:
        module.fail_json(msg=f"{path} is not the key of the backups: it holds a private key and its certificate, as PEM")
    module.exit_json(changed=made, certificate=certificate)


if __name__ == "__main__":
    main()
