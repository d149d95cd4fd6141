# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An etcd snapshot through etcd's own HTTP gateway: nothing but Python is needed on the node, and etcd goes on working.

etcd sends its database and then the SHA-256 of it, the form that ``etcdctl snapshot save`` writes as well.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import (
    Credentials,
    host_port,
    tls_context,
)

CHECKSUM_SIZE = 32
STALLED = 60
"""Seconds without a byte after which a snapshot is given up."""


def save_snapshot(address: str, port: int, credentials: Credentials, path: Path) -> int:
    """Writes a snapshot of the member at an address, for root alone; its size in bytes. Raises InfraError."""
    where = f"etcd at {host_port(address, port)}"
    connection = http.client.HTTPSConnection(address, port, timeout=STALLED, context=tls_context(credentials))
    try:
        connection.request("POST", "/v3/maintenance/snapshot", "{}", {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise InfraError(f"{where} gives no snapshot: HTTP {response.status}: {response.read(500).decode(errors='replace')}")
        return write_checked(blobs(response), path)
    except (OSError, http.client.HTTPException) as error:
        raise InfraError(f"{where} gives no snapshot: {error}; look at the member there (crictl logs)") from error
    finally:
        connection.close()


def blobs(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a snapshot out of the gateway's answer, one JSON object per line. Raises InfraError."""
    for line in lines:
        if not line.strip():
            continue
        try:
            part: Any = json.loads(line)
            if "error" in part:
                raise InfraError(f"etcd ended the snapshot: {part['error'].get('message') or part['error']}")
            yield base64.b64decode(part["result"].get("blob") or "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InfraError(f"etcd's answer is no snapshot: {line[:100]!r}") from error


def write_checked(parts: Iterable[bytes], path: Path) -> int:
    """Writes the parts and compares the checksum at their end; the size. Nothing stays of a snapshot that is not whole."""
    digest, tail, size = hashlib.sha256(), b"", 0
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            for part in parts:
                handle.write(part)
                size += len(part)
                tail += part
                digest.update(tail[:-CHECKSUM_SIZE])
                tail = tail[-CHECKSUM_SIZE:]
            handle.flush()
            os.fsync(handle.fileno())
        if size <= CHECKSUM_SIZE or digest.digest() != tail:
            raise InfraError(f"The snapshot is not whole ({size} bytes, its checksum is wrong): take it again")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size
