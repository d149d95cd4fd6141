"""A template whose making was cut short: told, or finished by the next run; never cloned, never there twice."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import ROOT, Emulator
from tests.emulated.outside import Outside, assert_only_own_moved
from tests.emulated.waiting import until_held, until_idle
from tests.web_server import serve

IMAGE = b"a cloud image" * 1000
MODULE = ROOT / "plugins" / "modules" / "proxmox_vm_template.py"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An image and its checksum, as the option takes it."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "noble.raw").write_bytes(IMAGE)
    with serve(folder) as url:
        yield {"url": f"{url}/noble.raw", "checksum": f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"}


class Making:
    """Runs of the module for one template."""

    def __init__(self, pve: Emulator, folder: Path, vm_id: int, image: dict[str, str]) -> None:
        self.pve, self.folder, self.vm_id = pve, folder, vm_id
        # Each template has a file of its own, so that each is really downloaded.
        self.image = {**image, "filename": f"image-{vm_id}.raw"}

    def start(self, **options: Any) -> subprocess.Popen[str]:
        self.pve.requests(reset=True)
        arguments = {"name": f"template-{self.vm_id}", "vm_id": self.vm_id, "storage": "local-lvm", "image": self.image,
                     "_ansible_remote_tmp": str(self.folder), **options}  # fmt: skip
        file = self.folder / f"arguments-{time.monotonic_ns()}.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), encoding="utf-8")
        environment = {**os.environ, **self.pve.environment, "PYTHONPATH": str(ROOT / ".collections")}
        return subprocess.Popen([sys.executable, str(MODULE), str(file)], env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)  # fmt: skip

    def run(self, **options: Any) -> dict[str, Any]:
        output, errors = self.start(**options).communicate(timeout=300)
        assert output.strip().startswith("{"), f"{output}\n{errors}"
        return json.loads(output)

    def kill_during(self, task: str) -> None:
        """Killed (SIGKILL) while a task that it has begun goes on, which Proxmox then brings to its end."""
        self.pve.fault("task_hold", task=task)
        process = self.start()
        until_held(self.pve, process)
        process.kill()
        process.communicate(timeout=30)
        self.pve.clear_faults()
        until_idle(self.pve)

    def assert_finished(self) -> None:
        """The next run makes a template of it, and the one after has nothing to do."""
        made = self.run()
        assert not made.get("failed"), made["msg"]
        config = self.pve.call("GET", f"/nodes/pve/qemu/{self.vm_id}/config").json()["data"]
        assert config["template"] == 1 and "lock" not in config
        again = self.run()
        assert not again["changed"] and not [call for call in self.pve.requests()["by"] if not call.startswith("GET")]


@pytest.fixture
def making(pve_with_template: Emulator, tmp_path: Path, first_id: int, image: dict[str, str]) -> Iterator[Making]:
    before = Outside.of(pve_with_template)
    yield Making(pve_with_template, tmp_path, first_id, image)
    pve_with_template.clear_faults()
    assert_only_own_moved(before, Outside.of(pve_with_template), range(first_id, first_id + 10))


@pytest.mark.parametrize("task", ["download", "qmcreate", "qmtemplate"])
def test_a_killed_run_is_finished_by_the_next(making: Making, task: str) -> None:
    making.kill_during(task)
    making.assert_finished()


@pytest.mark.parametrize(
    ("action", "rule", "text"),
    [
        ("download_failure", {"text": "download failed: 503 Service Unavailable"}, "503 Service Unavailable"),
        ("storage_full", {"task": "qmcreate"}, "free space in thin pool pve/data reached threshold"),
        ("task_death", {"task": "qmtemplate"}, "unexpected status"),
    ],
    ids=["download", "storage full", "convert killed"],
)
def test_a_fault_is_told_with_template_and_task_and_the_next_run_finishes(
    making: Making, action: str, rule: dict[str, Any], text: str
) -> None:
    making.pve.fault(action, **rule)
    failed = making.run(timeout=60)
    assert failed.get("failed") and text in failed["msg"], failed
    assert "UPID:pve:" in failed["msg"] and f"template-{making.vm_id}" in failed["msg"], failed["msg"]
    making.pve.clear_faults()
    making.assert_finished()


def test_a_creation_that_was_killed_is_told_with_what_root_has_to_do(making: Making) -> None:
    """The lock that it leaves no token may break. Unlocked and destroyed, it is made anew by the next run."""
    making.pve.fault("task_death", task="qmcreate")
    failed = making.run()
    assert failed.get("failed") and "unexpected status" in failed["msg"] and f"template-{making.vm_id}" in failed["msg"]
    making.pve.clear_faults()
    told = making.run()
    assert told.get("failed") and f"On the host: qm unlock {making.vm_id}; then run again" in told["msg"]
    making.pve.lab("PUT", "/lab/guests", {"vmid": making.vm_id, "config": {"lock": ""}})
    upid = making.pve.call("DELETE", f"/nodes/pve/qemu/{making.vm_id}").json()["data"]
    assert making.pve.wait(upid) == "OK"
    making.assert_finished()


def test_a_wrong_checksum_makes_nothing(making: Making) -> None:
    failed = making.run(image={**making.image, "checksum": "sha256:" + "0" * 64})
    assert failed.get("failed") and "checksum" in failed["msg"]
    assert making.vm_id not in {guest["vmid"] for guest in making.pve.api().cluster.resources.get(type="vm")}
    making.assert_finished()
