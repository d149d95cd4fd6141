# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of every module that talks to Proxmox, and the client made from them."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.detectviz.infra.plugins.module_utils._errors import ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_client import HAS_PROXMOXER, ProxmoxClient
from ansible_collections.detectviz.infra.plugins.module_utils._proxmox_session import HAS_REQUESTS, Connection

DEFAULT_PORT = 8006


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Options of the ``_proxmox`` documentation fragment; each falls back to community.proxmox's variable."""

    def fallback(name: str) -> tuple[Any, list[str]]:
        return (env_fallback, [name])

    return {
        "api_host": {"type": "str", "fallback": fallback("PROXMOX_HOST")},
        "api_port": {"type": "int", "fallback": fallback("PROXMOX_PORT")},
        "api_user": {"type": "str", "fallback": fallback("PROXMOX_USER")},
        "api_password": {"type": "str", "no_log": True, "fallback": fallback("PROXMOX_PASSWORD")},
        "api_token_id": {"type": "str", "no_log": False, "fallback": fallback("PROXMOX_TOKEN_ID")},
        "api_token_secret": {"type": "str", "no_log": True, "fallback": fallback("PROXMOX_TOKEN_SECRET")},
        "validate_certs": {"type": "bool", "fallback": fallback("PROXMOX_VALIDATE_CERTS")},
        "ca_path": {"type": "path", "fallback": fallback("PROXMOX_CA_PATH")},
        "api_fingerprint": {"type": "str", "fallback": fallback("PROXMOX_FINGERPRINT")},
    }


NO_CREDENTIALS = (
    "neither a token nor a password is given. Set PROXMOX_TOKEN_ID (user@realm!name) and PROXMOX_TOKEN_SECRET in the "
    "environment (api_token_id, api_token_secret), or PROXMOX_USER and PROXMOX_PASSWORD (api_user, api_password). A token "
    "is made in the web interface under Datacenter, Permissions, API Tokens, or on the host by "
    "`pveum user token add root@pam ansible --privsep 0`, which shows the secret once"
)


def connection_problems(params: Mapping[str, Any]) -> list[str]:
    """What the connection options lack, or have wrong, each with the way out; nothing is sent."""
    problems = [
        None if params["api_host"] else "api_host is missing: name or address of a Proxmox VE host (or PROXMOX_HOST)",
        _problem_of_credentials(params),
        _problem_of_fingerprint(params["api_fingerprint"]),
        _problem_of_ca(params["ca_path"]),
    ]
    return [problem for problem in problems if problem]


def client_of(module: AnsibleModule) -> ProxmoxClient:
    """The client for a module's options. Fails the module when a library is missing or an option is wrong."""
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=traceback.format_exc())
    if not HAS_PROXMOXER:
        module.fail_json(msg=missing_required_lib("proxmoxer"), exception=traceback.format_exc())
    params = module.params
    problems = connection_problems(params)
    if problems:
        module.fail_json(msg=str(ProblemsError("Proxmox cannot be asked:", problems)))
    fingerprint = _plain_fingerprint(params["api_fingerprint"])
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
            user=params["api_user"] or "",
            password=params["api_password"],
            token_id=params["api_token_id"],
            token_secret=params["api_token_secret"],
            validate_certs=validate,
            ca_path=params["ca_path"],
            fingerprint=fingerprint or None,
        )
    )


def _problem_of_credentials(params: Mapping[str, Any]) -> str | None:
    """A token with its secret and its user, or a user with a password; the token wins."""
    user, token_id, secret = params["api_user"], params["api_token_id"], params["api_token_secret"]
    if not token_id and not secret:
        if not params["api_password"]:
            return NO_CREDENTIALS
        return None if user else "api_user is missing: name@realm, whose password is given (or PROXMOX_USER)"
    if not secret:
        return (
            f"api_token_secret is missing (or PROXMOX_TOKEN_SECRET): Proxmox showed the secret of {token_id} once, when it "
            f"was made; a lost one cannot be read again, make another token"
        )
    if not token_id:
        return "api_token_id is missing: user@realm!name, whose secret is given (or PROXMOX_TOKEN_ID)"
    if not user and "!" not in token_id:
        return f"the user of the token {token_id} is missing: give api_token_id as user@realm!{token_id}, or api_user"
    return None


def _plain_fingerprint(text: str | None) -> str:
    return (text or "").replace(":", "").replace(" ", "").lower()


def _problem_of_fingerprint(text: str | None) -> str | None:
    digits = _plain_fingerprint(text)
    if digits and (len(digits) != 64 or set(digits) - set("0123456789abcdef")):
        return (
            "api_fingerprint is not a SHA-256 fingerprint: 32 pairs of hex digits, as `pvenode cert info` on the host "
            "prints it"
        )
    return None


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
