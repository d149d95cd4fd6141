"""Which requests came: counters for tests and benchmarks, and a log to read."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any


class Journal:
    """Counts per method and path template; one line per request in `requests.log`."""

    def __init__(self, path: Path) -> None:
        self._counts: Counter[str] = Counter()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def count(self, method: str, template: str) -> None:
        self._counts[f"{method} {template}"] += 1

    def log(self, identity: str | None, method: str, path: str, status: int, seconds: float) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._file.write(f"{stamp} {identity or '-'} {method} {path} {status} {seconds * 1000:.0f}ms\n")

    def shown(self) -> dict[str, Any]:
        """{"total": n, "by": {"GET /nodes/{node}/qemu/{vmid}/config": n}}"""
        return {"total": self._counts.total(), "by": dict(sorted(self._counts.items()))}

    def clear(self) -> None:
        self._counts.clear()
