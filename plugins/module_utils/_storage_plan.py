# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a storage of files may hold, and where on the host it keeps its snippets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _property_string as props
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

# Network file systems are mounted by Proxmox itself, at a place that it chooses.
_MOUNTED = ("nfs", "cifs", "cephfs", "glusterfs")
_FOLDERS = ("dir", "btrfs", *_MOUNTED)


@dataclass(frozen=True)
class StoragePlan:
    """Content types before and after, each sorted. ``digest`` is that of the configuration that was read."""

    name: str
    kind: str
    snippets_path: str
    before: list[str]
    after: list[str]
    digest: str | None

    def parameters(self) -> dict[str, str]:
        """What is sent; empty when nothing has to change. The list replaces the present one."""
        if self.before == self.after:
            return {}
        return {"content": ",".join(self.after), **({"digest": self.digest} if self.digest else {})}


def plan_storage(name: str, wanted: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> StoragePlan:
    """``rows`` is the answer of ``GET /storage``. Raises InfraError for a storage that keeps no files."""
    row = next((row for row in rows if row.get("storage") == name), None)
    if row is None:
        seen = ", ".join(sorted(str(row.get("storage")) for row in rows)) or "none"
        raise InfraError(
            f"storage {name} does not exist, or the token lacks Datastore.Audit on /storage/{name}; storages that it "
            f"sees: {seen}"
        )
    kind = str(row.get("type"))
    if kind not in _FOLDERS:
        files = ", ".join(sorted(str(row["storage"]) for row in rows if row.get("type") in _FOLDERS)) or "none"
        raise InfraError(f"storage {name} is of type {kind} and keeps no files; storages that do: {files}")
    before = sorted({word for word in str(row.get("content") or "").split(",") if word not in ("", "none")})
    digest = row.get("digest")
    return StoragePlan(
        name, kind, _snippets_path(row), before, sorted({*before, *wanted}), str(digest) if digest else None
    )


def _snippets_path(row: Mapping[str, Any]) -> str:
    root = str(row.get("path") or f"/mnt/pve/{row['storage']}").rstrip("/")
    folder = props.parse(str(row.get("content-dirs") or "")).get("snippets", "snippets").strip("/")
    return f"{root}/{folder}"
