"""What validate asks for before Proxmox can be reached."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.detectviz.infra.plugins.plugin_utils.missing import missing_connection

TOKEN = {"PROXMOX_TOKEN_ID": "me@pve!one", "PROXMOX_TOKEN_SECRET": "x"}
CERTIFICATE = "PROXMOX_FINGERPRINT in the environment (pvenode cert info"


@pytest.mark.parametrize(
    ("environment", "variables", "expected"),
    [
        ({}, {}, ["PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET", CERTIFICATE]),
        (TOKEN, {}, [CERTIFICATE]),
        ({**TOKEN, "PROXMOX_FINGERPRINT": "AB:CD"}, {}, []),
        ({**TOKEN, "PROXMOX_CA_PATH": "/ca.pem"}, {}, []),
        ({**TOKEN, "PROXMOX_VALIDATE_CERTS": "true"}, {}, []),
        (TOKEN, {"proxmox_api_fingerprint": "AB:CD"}, []),
        (TOKEN, {"proxmox_api_ca_path": "/ca.pem"}, []),
        (TOKEN, {"proxmox_api_validate_certs": False}, []),
        ({"PROXMOX_TOKEN_SECRET": "x"}, {"proxmox_api_token_id": "me@pve!one", "proxmox_api_ca_path": "/ca.pem"}, []),
        ({"PROXMOX_TOKEN_ID": "one", "PROXMOX_CA_PATH": "/ca.pem"}, {}, ["PROXMOX_TOKEN_SECRET", "PROXMOX_USER"]),
        ({"PROXMOX_PASSWORD": "x", "PROXMOX_CA_PATH": "/ca.pem"}, {"proxmox_api_user": "root@pam"}, []),
    ],
)
def test_what_neither_the_environment_nor_the_site_gives_is_missing(
    environment: dict[str, str], variables: dict[str, Any], expected: list[str]
) -> None:
    found = missing_connection(environment, variables)
    assert len(found) == len(expected), found
    assert all(text.startswith(start) for text, start in zip(found, expected)), found
