"""What `up` has made, kept in lab.json for the other commands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.cli.processes import Process
from lab.pve.state import write_atomic


@dataclass
class Facts:
    """`source`: folder of the site the lab was made from; `image`: root file system below its systems' disks;
    `plain_image`: its guests start no agent by themselves."""

    source: str
    image: str
    node: str
    address: str
    files_url: str
    processes: dict[str, Process] = field(default_factory=dict)
    plain_image: bool = False

    def save(self, path: Path) -> None:
        write_atomic(path, json.dumps(asdict(self), indent=1))


def load(path: Path) -> Facts | None:
    """None when no lab was started there."""
    if not path.exists():
        return None
    data: dict[str, Any] = json.loads(path.read_text())
    data["processes"] = {name: Process(**process) for name, process in data["processes"].items()}
    return Facts(**data)
