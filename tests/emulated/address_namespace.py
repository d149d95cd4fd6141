"""Runs proxmox_vm_clone in a network of its own, where a neighbour has addresses; prints what came back as JSON.

    unshare --net python -m tests.emulated.address_namespace FOLDER

The neighbour refuses connections at .7 and 2001:db8::7, only answers ARP at .8, and nobody has .9. All of it is gone
when the program ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from lab.pve.process import Emulator
from tests.emulated.clone_runs import Site, row

OURS = (
    "ip link set lo up; ip link add v0 type veth peer name v1; ip link set v1 netns {pid}; "
    "ip addr add 198.51.100.1/24 dev v0; ip addr add 2001:db8::1/64 dev v0 nodad; ip link set v0 up"
)
THEIRS = (
    "ip addr add 198.51.100.7/24 dev v1; ip addr add 198.51.100.8/24 dev v1; ip addr add 2001:db8::7/64 dev v1 nodad; "
    "ip link set lo up; ip link set v1 up; ip rule add from 198.51.100.8 blackhole"
)


def main(folder: Path) -> None:
    neighbour = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        while Path(f"/proc/{neighbour.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            pass  # until it has left our network
        subprocess.run(["sh", "-ec", OURS.format(pid=neighbour.pid)], check=True)
        subprocess.run(["nsenter", "--target", str(neighbour.pid), "--net", "sh", "-ec", THEIRS], check=True)
        with Emulator.start(folder / "pve", with_template=True) as pve:
            print(json.dumps(runs(Site(pve, folder / "site", "near"))))
    finally:
        neighbour.kill()
        neighbour.wait()


def runs(site: Site) -> dict[str, dict[str, object]]:
    wanted = {
        "refusing": "198.51.100.7/24",
        "silent": "198.51.100.8/24",
        "ipv6": "2001:db8::7/64",
        "far": "203.0.113.5/24",
        "free": "198.51.100.9/24",
        "again": "198.51.100.9/24",
    }
    ids = {"again": 105}
    found = {}
    for number, (name, address) in enumerate(wanted.items(), start=101):
        vm_id = ids.get(name, number)
        done = site.run([row(vm_id, networks=[{"bridge": "vmbr0", "addresses": [address]}])], check=name == "far")
        found[name] = {
            "failed": done.failed,
            "message": done.message,
            "writes": done.writes(),
            "warnings": done.warnings,
        }
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
