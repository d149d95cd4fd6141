"""The Proxmox host takes its network back by itself unless the change is confirmed from outside.

The tests of this file are one story on one lab, told in order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from lab.nodes import bridges
from tests.lab.conftest import CHECKOUT, LAB_NAME, LabCommand
from tests.lab.test_site import changes

HOST = "proxmox-host"
SECONDS = 20
ROLLBACK = "/var/lib/detectviz-infra/network-rollback"
# ifreload of a host that does not survive the first reload, and is well after the second.
BROKEN = """#!/bin/sh
/usr/sbin/ifreload.real "$@" || exit 1
if mkdir /run/broken; then {broken}; else rmdir /run/broken; {mended}; fi
"""
PLAY = [
    {"hosts": "localhost", "gather_facts": False, "roles": ["detectviz.infra.host_trust"]},
    {
        "hosts": "proxmox",
        "gather_facts": False,
        "remote_user": "root",
        "vars_files": [str(CHECKOUT / "playbooks/vars/connection.yml")],
        "module_defaults": {"group/detectviz.infra.proxmox": "{{ proxmox_connection }}"},
        "roles": ["detectviz.infra.host_bridges"],
    },
]


class Host:
    """The lab and its Proxmox host, looked at and broken from outside."""

    def __init__(self, lab: LabCommand, play: Path) -> None:
        self.lab = lab
        self._play = play
        self.file = lab.folder / "systems/host/rootfs/etc/network/interfaces"

    def words(self, *options: str) -> list[str]:
        variables = json.dumps({"host_bridges_rollback_seconds": SECONDS, "host_bridges_timeout": 10})
        return ["exec", "--", "ansible-playbook", str(self._play), "-e", variables, *options]

    def play(self, *options: str, code: int = 0) -> str:
        return self.lab(*self.words(*options), code=code)

    def bridges(self) -> dict[str, list[str]]:
        """The kernel's bridges and their addresses."""
        return {bridge["name"]: bridge["addresses"] for bridge in bridges.listing(self.lab.namespace)}

    def inside(self, script: str, code: int | None = 0) -> str:
        """Run a script in the host's own system, past its network."""
        state = json.loads((self.lab.folder / f"systems/runc/{self.lab.namespace}-host/state.json").read_text())
        enter = ["nsenter", f"--target={state['init_process_pid']}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        done = subprocess.run([*enter, "/bin/sh", "-c", script], check=False, text=True, capture_output=True)
        assert code is None or done.returncode == code, done.stderr
        return done.stdout.strip()

    def timer(self) -> str:
        return self.inside("systemctl is-active detectviz-network-rollback.timer", code=None)

    def api(self, path: str, *words: str) -> str:
        script = (
            'curl -sS --fail --cacert "$PROXMOX_CA_PATH" '
            '-H "Authorization: PVEAPIToken=$PROXMOX_USER!$PROXMOX_TOKEN_ID=$PROXMOX_TOKEN_SECRET" '
            f'"$@" "https://$PROXMOX_HOST:8006/{path}"'
        )
        return self.lab("exec", "--", "sh", "-c", script, "curl", *words)

    def api_bridges(self) -> set[str]:
        rows = json.loads(self.api("api2/json/nodes/proxmox/network?type=bridge"))["data"]
        return {row["iface"] for row in rows}


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, f"{what}: not after {seconds:.0f} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def host(machine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    lab = LabCommand(machine, f"{LAB_NAME}-net")
    play = tmp_path_factory.mktemp("play") / "bridges.yml"
    play.write_text(yaml.safe_dump(PLAY))
    lab("up", "--yes", "--without-kubernetes", "--site", "inventory/detectviz")
    yield Host(lab, play)
    lab("down", code=None)


def test_check_mode_shows_the_change_and_starts_no_timer(host: Host) -> None:
    before = host.file.read_text()
    said = host.play("--check", "--diff")
    assert changes(said)[HOST] > 0 and "10.0.0.2/24" in said
    assert (host.timer(), host.file.read_text(), set(host.bridges())) == ("inactive", before, {"vmbr0"})


def test_a_run_that_is_killed_before_it_confirms_is_taken_back_by_the_host(host: Host) -> None:
    before = host.file.read_text()
    # The reload is done, but the run never hears of it.
    stall = {"action": "delay", "method": "GET", "path": "/nodes/{node}/tasks/{upid}/status", "seconds": 600}
    host.api("lab/faults", "--json", json.dumps(stall))
    run = host.lab.start(*host.words())
    try:
        until(lambda: host.bridges().get("vmbr1") == ["10.0.0.2/24"], "the new bridge")
        assert host.timer() == "active" and "vmbr1" in host.file.read_text()
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    host.api("lab/faults", "-X", "DELETE")
    until(lambda: set(host.bridges()) == {"vmbr0"}, "the former network", SECONDS + 40)
    until(lambda: host.timer() == "inactive" and not host.inside(f"ls {ROLLBACK}"), "the end of the rollback")
    assert host.file.read_text() == before
    assert host.api_bridges() == {"vmbr0"}


@pytest.mark.parametrize(
    ("broken", "mended", "told"),
    [
        ("ip address delete 192.168.0.2/24 dev vmbr0", ":", "proxmox has its former network again"),
        ("systemctl stop ssh", "systemctl start ssh", "is not reached over SSH, so it takes its former network back"),
    ],
)
def test_a_host_that_the_change_cuts_off_comes_back(host: Host, broken: str, mended: str, told: str) -> None:
    before = host.file.read_text()
    host.inside("mv /usr/sbin/ifreload /usr/sbin/ifreload.real")
    program = host.file.parents[2] / "usr/sbin/ifreload"
    program.write_text(BROKEN.format(broken=broken, mended=mended))
    program.chmod(0o755)
    try:
        said = host.play(code=2)
        assert told in " ".join(said.split()), said
        until(lambda: host.bridges() == {"vmbr0": ["192.168.0.2/24"]}, "the former network", SECONDS + 40)
        until(lambda: not host.inside(f"ls {ROLLBACK}"), "the end of the rollback")
    finally:
        host.inside("mv /usr/sbin/ifreload.real /usr/sbin/ifreload")
    assert (host.timer(), host.file.read_text()) == ("inactive", before)


def test_a_bridge_that_does_not_come_up_is_taken_back_at_once(host: Host) -> None:
    """The API says that all is well; the kernel knows better."""
    before = host.file.read_text()
    host.inside("mv /usr/sbin/ifreload /usr/sbin/ifreload.real; ln -s /bin/true /usr/sbin/ifreload")
    try:
        said = host.play(code=2)
    finally:
        host.inside("mv /usr/sbin/ifreload.real /usr/sbin/ifreload")
    assert "vmbr1 is not there" in said
    assert (host.timer(), host.file.read_text(), host.inside(f"ls {ROLLBACK}")) == ("inactive", before, "")


def test_the_next_run_converges_and_ends_the_timer(host: Host) -> None:
    assert changes(host.play())[HOST] > 0
    assert host.bridges() == {"vmbr0": ["192.168.0.2/24"], "vmbr1": ["10.0.0.2/24"]}
    assert (host.timer(), host.inside(f"ls {ROLLBACK}")) == ("inactive", "")


def test_a_further_run_changes_nothing(host: Host) -> None:
    before = host.inside("journalctl --unit detectviz-network-rollback.timer --quiet --output cat | wc -l")
    assert changes(host.play())[HOST] == 0
    assert host.inside("journalctl --unit detectviz-network-rollback.timer --quiet --output cat | wc -l") == before


def test_a_host_that_restarts_before_the_confirmation_has_its_former_network_from_the_start(host: Host) -> None:
    """The lab's host does not boot twice: the timer is stopped as a restart ends it, and the service started as a boot does."""
    kept = host.file.read_text()
    arm = "detectviz.infra.network_rollback -a 'state=armed seconds=600'"
    host.lab("exec", "--", "sh", "-c", f"ansible proxmox -u root -m {arm}")
    unit = "detectviz-network-rollback-boot.service"
    host.inside("systemctl stop detectviz-network-rollback.timer && systemctl daemon-reload")
    assert "networking.service" in host.inside(f"systemctl show --property=Before {unit}")
    assert unit in host.inside("systemctl list-dependencies --plain multi-user.target")
    assert host.inside(f"systemd-analyze verify {unit} 2>&1 | grep -F {unit}", code=None) == ""
    host.file.write_text(kept + "\n# changed\n")
    host.inside(f"systemctl start {unit} && systemctl daemon-reload")
    assert (host.file.read_text(), host.inside(f"ls {ROLLBACK}")) == (kept, "")
    assert host.inside(f"ls /etc/systemd/system/{unit} 2>/dev/null", code=None) == ""
    assert changes(host.play())[HOST] == 0


def test_a_change_that_a_restarted_host_forgot_is_taken_back_by_the_next_run(host: Host) -> None:
    """A restart ends the timer; the kept file tells that nobody has confirmed."""
    kept = host.file.read_text()
    added = "\nauto vmbr9\niface vmbr9 inet static\n\taddress 10.9.0.2/24\n\tbridge-ports none\n"
    host.inside(f"mkdir -p {ROLLBACK} && cp /etc/network/interfaces {ROLLBACK}/interfaces")
    host.file.write_text(kept + added)
    host.inside("ifreload -a")
    assert "vmbr9" in host.bridges()
    assert changes(host.play())[HOST] == 1
    assert "vmbr9" not in host.bridges() and host.file.read_text() == kept
