"""Runs a module of the collection as Ansible does on the controller: a program that reads its arguments from a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """What the module printed."""

    data: dict[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.data.get("failed"))

    @property
    def message(self) -> str:
        return str(self.data.get("msg") or "")

    @property
    def warnings(self) -> str:
        return "\n".join(str(item) for item in self.data.get("warnings") or [])

    def __getitem__(self, key: str) -> Any:
        assert not self.failed, self.message
        return self.data[key]


def run_module(module: str, folder: Path, check: bool = False, **options: Any) -> Result:
    """The result of one run of detectviz.infra.<module>; ``folder`` takes its temporary files."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": str(folder)}
    arguments |= {"_ansible_tmpdir": str(folder), "_ansible_keep_remote_files": True}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "plugins/modules" / f"{module}.py"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}/.collections", "HOME": str(folder)},
    )
    assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
    return Result(json.loads(done.stdout))
