# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options, once for all modules that talk to Proxmox."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of C(module_utils/_proxmox_args.py)."""

    DOCUMENTATION = r"""
options:
  api_host:
    description:
      - Name or address of a Proxmox VE host.
      - Uses the E(PROXMOX_HOST) environment variable if not given. One of both is needed.
    type: str
  api_port:
    description:
      - Port of the API; 8006 if neither it nor the E(PROXMOX_PORT) environment variable is given.
    type: int
  api_user:
    description:
      - User with realm, such as V(automation@pve).
      - Uses the E(PROXMOX_USER) environment variable if not given. May be left out when O(api_token_id) holds the user.
    type: str
  api_password:
    description:
      - Password of the user. Prefer a token, which can be given few rights and be withdrawn.
      - Uses the E(PROXMOX_PASSWORD) environment variable if not given.
    type: str
  api_token_id:
    description:
      - Name of the API token, alone (V(ansible)) or with its user (V(automation@pve!ansible)).
      - Uses the E(PROXMOX_TOKEN_ID) environment variable if not given.
    type: str
  api_token_secret:
    description:
      - Secret of the API token.
      - Uses the E(PROXMOX_TOKEN_SECRET) environment variable if not given.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the host is checked; it is, if neither this nor the E(PROXMOX_VALIDATE_CERTS)
        environment variable says V(false). Then a warning is given.
    type: bool
  ca_path:
    description:
      - File with the certificate authority to trust. That of Proxmox is C(/etc/pve/pve-root-ca.pem) on each host.
      - Uses the E(PROXMOX_CA_PATH) environment variable if not given. Without it, the usual authorities are trusted.
    type: path
  api_fingerprint:
    description:
      - SHA-256 fingerprint of the host's certificate, as Proxmox shows it under Certificates. Only this certificate is
        trusted then, whoever signed it and whatever names it has.
      - Uses the E(PROXMOX_FINGERPRINT) environment variable if not given.
    type: str
requirements:
  - proxmoxer >= 2.2
  - requests >= 2.32
attributes:
  action_group:
    description: Use C(group/detectviz.infra.proxmox) in C(module_defaults) to set the connection once for all modules.
    support: full
    membership:
      - detectviz.infra.proxmox
"""
