"""Runs address_probe in a network of its own, where a neighbour has addresses; prints what came back as JSON.

    unshare --net python -m tests.emulated.neighbour_namespace

The neighbour has 198.51.100.7 and 2001:db8::7, and drops whatever comes there; nobody has .9. All of it is gone when the program
ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.pve.process import ROOT

MAC = "02:00:00:00:00:07"
OURS = (
    "ip link set lo up; ip link add v0 type veth peer name v1 address {mac}; ip link set v1 netns {pid}; "
    "ip addr add 198.51.100.1/24 dev v0; ip addr add 2001:db8::1/64 dev v0 nodad; ip link set v0 up; "
    "ip route add 203.0.113.0/24 via 198.51.100.254"
)
THEIRS = (
    "ip addr add 198.51.100.7/24 dev v1; ip addr add 2001:db8::7/64 dev v1 nodad; ip link set lo up; ip link set v1 up; "
    "ip rule add from 198.51.100.7 blackhole"
)
CASES: dict[str, dict[str, Any]] = {
    "taken": {"addresses": ["198.51.100.7", "198.51.100.9"]},
    "taken again": {"addresses": ["198.51.100.7"]},
    "taken by IPv6": {"addresses": ["2001:db8::7"]},
    "a master's": {"addresses": ["198.51.100.7"], "allowed_macs": [MAC.upper()]},
    "free": {"addresses": ["198.51.100.9", "2001:db8::9"]},
    "our own": {"addresses": ["198.51.100.1"]},
    "far": {"addresses": ["203.0.113.5"]},
    "no way": {"addresses": ["192.0.2.5"]},
}


def main() -> None:
    neighbour = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        while Path(f"/proc/{neighbour.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            pass  # until it has left our network
        subprocess.run(["sh", "-ec", OURS.format(pid=neighbour.pid, mac=MAC)], check=True)
        subprocess.run(["nsenter", "--target", str(neighbour.pid), "--net", "sh", "-ec", THEIRS], check=True)
        print(json.dumps({name: probe(arguments) for name, arguments in CASES.items()}))
    finally:
        neighbour.kill()
        neighbour.wait()


def probe(arguments: dict[str, Any]) -> dict[str, Any]:
    """The module's result, as Ansible gives it to a task."""
    program = str(Path(sys.executable).parent / "ansible")
    given = {"purpose": "the Kubernetes API", "variable": "vip.address", **arguments}
    done = subprocess.run(
        [program, "localhost", "-i", "localhost,", "-c", "local", "-m", "detectviz.infra.address_probe", "-a",
         json.dumps(given), "-e", f"ansible_python_interpreter={sys.executable}"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
             "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    played = json.loads(done.stdout[done.stdout.index("{") :])
    return dict(played["plays"][0]["tasks"][0]["hosts"]["localhost"])


if __name__ == "__main__":
    main()
