# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of every module that talks to Proxmox, and the client made from them."""

from __future__ import annotations

import ssl
import traceback
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import HAS_PROXMOXER, ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import HAS_REQUESTS, Connection

DEFAULT_PORT = 8006


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Options of the ``_proxmox`` documentation fragment; each falls back to community.proxmox's variable."""

    def fallback(name: str) -> tuple[Any, list[str]]:
        return (env_fallback, [name])

    return {
        "api_host": {"type": "str", "required": True, "fallback": fallback("PROXMOX_HOST")},
        "api_port": {"type": "int", "fallback": fallback("PROXMOX_PORT")},
        "api_user": {"type": "str", "fallback": fallback("PROXMOX_USER")},
        "api_password": {"type": "str", "no_log": True, "fallback": fallback("PROXMOX_PASSWORD")},
        "api_token_id": {"type": "str", "no_log": False, "fallback": fallback("PROXMOX_TOKEN_ID")},
        "api_token_secret": {"type": "str", "no_log": True, "fallback": fallback("PROXMOX_TOKEN_SECRET")},
        "validate_certs": {"type": "bool", "fallback": fallback("PROXMOX_VALIDATE_CERTS")},
        "ca_path": {"type": "path", "fallback": fallback("PROXMOX_CA_PATH")},
        "api_fingerprint": {"type": "str", "fallback": fallback("PROXMOX_FINGERPRINT")},
    }


CONNECTION_REQUIRED_ONE_OF = [["api_password", "api_token_secret"]]
CONNECTION_REQUIRED_TOGETHER = [["api_token_id", "api_token_secret"]]


def client_of(module: AnsibleModule) -> ProxmoxClient:
    """The client for a module's options. Fails the module when a library is missing or an option is wrong."""
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=traceback.format_exc())
    if not HAS_PROXMOXER:
        module.fail_json(msg=missing_required_lib("proxmoxer"), exception=traceback.format_exc())
    params = module.params
    token_id, user = params["api_token_id"], params["api_user"]
    if not user and not (token_id and "!" in token_id):
        module.fail_json(msg="api_user is missing (name@realm), or give api_token_id as user@realm!name")
    fingerprint = (params["api_fingerprint"] or "").replace(":", "").replace(" ", "").lower()
    if fingerprint and (len(fingerprint) != 64 or set(fingerprint) - set("0123456789abcdef")):
        module.fail_json(
            msg="api_fingerprint is not a SHA-256 fingerprint: 32 pairs of hex digits, as Proxmox shows it"
        )
    problem = _problem_of_ca(params["ca_path"])
    if problem:
        module.fail_json(msg=problem)
    validate = params["validate_certs"] is not False
    if not validate and not fingerprint:
        module.warn(
            f"The certificate of {params['api_host']} is not checked (validate_certs is false): anyone on the way can "
            f"read the token. Give ca_path or api_fingerprint instead."
        )
    return ProxmoxClient(
        Connection(
            host=params["api_host"],
            port=params["api_port"] or DEFAULT_PORT,
            user=user or "",
            password=params["api_password"],
            token_id=token_id,
            token_secret=params["api_token_secret"],
            validate_certs=validate,
            ca_path=params["ca_path"],
            fingerprint=fingerprint or None,
        )
    )


def _problem_of_ca(path: str | None) -> str | None:
    """What is wrong with a file or folder of certificate authorities, or None."""
    if not path:
        return None
    where = Path(path)
    try:
        ssl.create_default_context(**({"capath": path} if where.is_dir() else {"cafile": path}))
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        return (
            f"ca_path {path} cannot be used: {reason}. It is a file in PEM format, on the host /etc/pve/pve-root-ca.pem"
        )
    return None
