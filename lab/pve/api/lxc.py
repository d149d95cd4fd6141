"""Containers: none can be made here yet, so the listing is empty; everything else about them answers 501."""

from __future__ import annotations

from typing import Any

from lab.pve.registry import Call, operation


@operation("GET", "/nodes/{node}/lxc")
async def listing(call: Call) -> list[dict[str, Any]]:
    return []
