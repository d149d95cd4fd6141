"""Secrets stay where they were given: not in output, logs, diffs, arguments of programs, or files."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pve.process import Emulator
from tests.emulated.user_site import UserSite

PASSWORD = "p@ss w:ö\"'$%&+=/\\#{!}"


@pytest.fixture
def user(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[UserSite]:
    yield UserSite.create(pve_with_template, tmp_path, first_id)
    pve_with_template.clear_faults()


def leaks(secret: str, *texts: str) -> list[str]:
    """Lines that hold the secret as it is, or as JSON or a quoted text would hold it."""
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return [line for text in texts for line in text.splitlines() if any(form in line for form in forms)]


def files_with(secret: str, folder: Path) -> list[Path]:
    """Files below the folder that hold the secret now."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and secret.encode() in path.read_bytes():
                found.append(path)
        except OSError:
            continue  # it has gone meanwhile
    return found


class Watch(threading.Thread):
    """Looks for a secret in the arguments of all programs and in the files of a folder, while a process runs."""

    def __init__(self, secret: str, folder: Path, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._secret, self._folder, self._process = secret, folder, process

    def run(self) -> None:
        while self._process.poll() is None:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if self._secret.encode() in path.read_bytes():
                        self.found.add(path.read_text(encoding="utf-8", errors="replace"))
                except OSError:
                    continue
            self.found.update(map(str, files_with(self._secret, self._folder)))
            time.sleep(0.1)


def test_the_tokens_secret_is_nowhere_when_a_run_is_most_talkative(user: UserSite, first_id: int) -> None:
    secret = user.pve.connection["token_secret"]
    user.pve.fault("task_error", task="resize", vmid=first_id + 1, text="the pool is on fire")
    # From ansible-core 2.20 on, arguments of modules are shown on request alone.
    process = user.start("-vvvv", "--diff", ANSIBLE_INJECT_INVOCATION="true")
    watch = Watch(secret, user.folder.parent, process)
    watch.start()
    output, _nothing = process.communicate(timeout=500)
    watch.join()
    assert process.returncode != 0 and "the pool is on fire" in output
    log = (user.folder.parent / "ansible.log").read_text(encoding="utf-8")
    assert "api_token_secret" in output and leaks(secret, output, log) == []
    assert watch.found == set() and files_with(secret, user.folder.parent) == []


def test_a_password_of_odd_characters_works_and_stays_hidden_also_when_it_is_wrong(
    user: UserSite, first_id: int
) -> None:
    login = f"odd{first_id}@pve"
    api = user.pve.api()
    api.access.users.post(userid=login, password=PASSWORD)
    api.access.acl.put(path="/", users=login, roles="PVEAdmin")
    logins = {"PROXMOX_USER": login, "PROXMOX_TOKEN_ID": "", "PROXMOX_TOKEN_SECRET": ""}
    code, output = user.play("--check", "--diff", "-vvv", PROXMOX_PASSWORD=PASSWORD, **logins)
    assert code == 0 and leaks(PASSWORD, output) == [], output
    code, output = user.play("--check", "-vvv", PROXMOX_PASSWORD=PASSWORD + "x", **logins)
    assert code != 0 and f"{login} cannot log in" in output and leaks(PASSWORD, output) == []


def test_a_check_run_writes_nothing_on_proxmox_and_nothing_here(user: UserSite, first_id: int) -> None:
    before = user.pve.api().cluster.resources.get(type="vm")
    user.pve.requests(reset=True)
    code, output = user.play("--check", "--diff")
    assert code == 0 and f"+node-{first_id} ({first_id}) on pve:" in output
    assert [call for call in user.pve.requests()["by"] if not call.startswith("GET")] == []
    assert {guest["vmid"] for guest in user.pve.api().cluster.resources.get(type="vm")} == {
        guest["vmid"] for guest in before
    }
    assert not list(user.folder.parent.glob(".state/*/*"))
