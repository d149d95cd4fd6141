"""A lab with everything in it, tried from inside a guest, leaves the machine as it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab.nodes import safety
from lab.nodes.backend import ContainerBackend
from lab.nodes.commands import start_time
from lab.pve.network.interfaces import normalised
from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.guests import Machine, add_bridge, spec

# Counters and states that move by themselves.
MOVING = (
    "kernel.random.", "kernel.ns_last_pid", "kernel.pty.nr", "kernel.tainted", "fs.dentry-state", "fs.file-nr",
    "fs.inode-nr", "fs.inode-state", "fs.aio-nr", "fs.quota.", "kernel.perf_event_max_sample_rate",
    "kernel.sched_domain.",
)  # fmt: skip
CLOCK_STEP_SECONDS = 1.0
VMBR1 = normalised({"iface": "vmbr1", "type": "bridge", "autostart": 1, "cidr": "10.0.0.2/24", "mtu": 9000})


def picture() -> dict[str, Any]:
    """What of the machine a lab could change. What belongs to other labs that come and go meanwhile is left out."""
    return {
        "swap": Path("/proc/swaps").read_text(),
        "sysctls": sysctls(),
        "block devices": [line for line in Path("/proc/partitions").read_text().splitlines() if "loop" not in line],
        "loop devices": [file for file in loop_files() if not foreign(file)],
        "links": shown("ip", "-o", "link"),
        "addresses": shown("ip", "-o", "address"),
        "routes": shown("ip", "route", "show", "table", "all"),
        "namespaces": [line for line in shown("ip", "netns") if not foreign(line)],
        "firewall": [line for line in shown("nft", "list", "ruleset") if "counter" not in line],
        "mounts": [point for point in mount_points() if not foreign(point)],
        "control groups": [path for path in map(str, Path("/sys/fs/cgroup").glob("*/dvz-*")) if not foreign(path)],
        "hostname": os.uname().nodename,
        "clock": clock_offset(),
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What two pictures tell differently: by part the lines that came and went, by sysctl the values."""
    found: dict[str, Any] = {}
    # What only one picture has of the sysctls was another lab's at the time of the other.
    for name in before["sysctls"].keys() & after["sysctls"].keys():
        if before["sysctls"][name] != after["sysctls"][name]:
            found[name] = (before["sysctls"][name], after["sysctls"][name])
    if abs(after["clock"] - before["clock"]) >= CLOCK_STEP_SECONDS:
        found["clock"] = (before["clock"], after["clock"])
    for part in before.keys() - {"sysctls", "clock"}:
        if before[part] != after[part]:
            old, new = (each[part] if isinstance(each[part], list) else each[part].splitlines() for each in (before, after))
            found[part] = {"gone": [x for x in old if x not in new], "new": [x for x in new if x not in old]}
    return found


def loop_files() -> list[str]:
    """Files behind the machine's loop devices."""
    found = []
    for path in sorted(Path("/sys/block").glob("loop*/loop/backing_file")):
        with contextlib.suppress(OSError):  # detached meanwhile
            found.append(path.read_text().strip())
    return found


def foreign(name: str) -> bool:
    """Whether a namespace, mount or control group is that of another lab, or the folder that labs share."""
    others = re.search(r"dvz-|/detectviz-infra/lab/", name) is not None and LAB_NAME not in name
    return others or (name == "/run/netns" and other_labs())


def other_labs() -> bool:
    labs = safety.BORROWED / "labs"
    return labs.is_dir() and any(path.name != LAB_NAME for path in labs.iterdir())


def mount_points() -> list[str]:
    return sorted(line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())


def sysctls() -> dict[str, str]:
    lines = (line.partition(" = ") for line in shown("sysctl", "-a"))
    kept = {name: value for name, _, value in lines if name.split(".")[0] in ("kernel", "vm", "fs", "dev")}
    moving = (*MOVING, *safety.BORROWED_SYSCTLS) if other_labs() else MOVING
    return {name: value for name, value in kept.items() if not name.startswith(moving)}


def shown(*command: str) -> list[str]:
    """Lines that a program prints; none when the machine does not have it."""
    if shutil.which(command[0]) is None:
        return []
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.splitlines()


def clock_offset() -> float:
    """Moves only when somebody sets the clock."""
    return time.time() - time.monotonic()


def processes_of(folder: Path, namespace: str) -> list[str]:
    """Processes that run in the lab's control groups or carry its folder in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid() or start_time(int(entry.name)) is None:
            continue  # ourselves, or a process that has ended and waits for its parent to hear of it
        try:
            text = (entry / "cmdline").read_bytes().decode(errors="replace") + (entry / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in text or f"/{namespace}" in text:
            found.append(f"{entry.name} {text[:200]!r}")
    return found


# Each must fail, or do nothing outside the guest.
ATTACKS = {
    "read a disk of the machine": "mknod /root/disk b {major} {minor} && dd if=/root/disk of=/dev/null bs=512 count=1",
    "write a disk of the machine": "mknod /root/disk b {major} {minor}; dd if=/dev/zero of=/root/disk bs=512 count=0",
    "set the clock": "date --set '2001-01-01'",
    "set a kernel parameter": "sysctl --write kernel.panic=77",
    "set a memory parameter": "sysctl --write vm.swappiness=1",
    "set a file system parameter": "sysctl --write fs.file-max=1000000",
    "reboot the machine with SysRq": "echo s > /proc/sysrq-trigger && test -s /proc/sysrq-trigger",
    "load a module": "modprobe dummy || insmod /nonexistent.ko",
    "read the machine's memory": "mknod /root/mem c 1 1 && dd if=/root/mem of=/dev/null bs=1 count=1",
    "make a loop device": "losetup --find --show /etc/hostname",
    "write to sysfs": "echo add > /sys/block/{disk}/uevent",
}
NESTED = """
set -e
rm -rf /root/nested && mkdir -p /root/nested/rootfs/{bin,proc,sys,dev,lib,lib64,usr} && cd /root/nested
for part in bin lib lib64 usr; do mount --rbind -o ro /$(readlink -f /$part | cut -c2-) rootfs/$part; done
runc spec
python3 - <<'EOF'
import json
c = json.load(open('config.json'))
c['process']['terminal'] = False
steal = 'mknod /dev/stolen b MAJOR MINOR; dd if=/dev/stolen of=/dev/null count=1 && echo READ; '
c['process']['args'] = ['/bin/sh', '-c', steal + 'date --set 2001-01-01 && echo SET; echo RAN']
caps = ['CAP_MKNOD', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']
c['process']['capabilities'] = {kind: caps for kind in ('bounding', 'effective', 'permitted')}
c['linux']['resources']['devices'] = [{'allow': True, 'access': 'rwm'}]
c['linux']['seccomp'] = None
json.dump(c, open('config.json', 'w'))
EOF
runc run nested
"""


def test_a_picture_tells_swap_a_sysctl_and_the_clock_when_they_move() -> None:
    before = picture()
    moved = {**before, "swap": before["swap"] + "/swapfile file 1024 0 -2\n", "clock": before["clock"] - 2,
             "sysctls": {**before["sysctls"], "vm.swappiness": "none"}}  # fmt: skip
    assert differences(before, before) == {}
    assert differences(before, moved).keys() == {"swap", "clock", "vm.swappiness"}


def test_a_lab_leaves_the_machine_as_it_was(lab_command: LabCommand, site_folder: Path) -> None:
    lab_command("down")
    before = picture()

    lab_command("up", "--yes", "--site", str(site_folder))
    during = picture()
    for name, value in safety.BORROWED_SYSCTLS.items():
        assert shown("sysctl", "-n", name) == [value]
    for part in ("swap", "links", "addresses", "routes", "firewall", "block devices", "hostname"):
        assert during[part] == before[part], f"{part} of the machine changed by `up`"
    asyncio.run(_attack(lab_command))
    assert "guest-111" in lab_command("status")
    lab_command("down")

    assert differences(before, picture()) == {}
    assert processes_of(lab_command.folder, lab_command.namespace) == []
    assert not lab_command.folder.exists()


async def _attack(lab: LabCommand) -> None:
    systems = lab.folder / "systems"
    backend = ContainerBackend(systems)
    await add_bridge(backend, VMBR1)
    checksum = next(iter(json.loads((systems / "backend.json").read_text())["images"]))
    key = (lab.folder / "id_ed25519.pub").read_text().strip()
    machine = Machine(backend, spec(111, checksum, key), lab.namespace, lab.folder / "id_ed25519")
    await backend.start(machine.spec)
    await machine.until_booted()
    disk = _disk()
    for name, script in ATTACKS.items():
        code, output = await machine.shell(script.format(**disk))
        assert code != 0, f"a guest could {name}: {output}"
    # swapoff ends well, as it finds nothing to switch off; the picture of the machine's swap decides.
    assert await machine.shell("swapoff --all; cat /proc/swaps") == (0, "")
    code, output = await machine.run(
        "/bin/bash", "-c", NESTED.replace("MAJOR", disk["major"]).replace("MINOR", disk["minor"])
    )
    assert "RAN" in output, f"a container inside the guest did not run: {output}"
    assert "READ" not in output and "SET" not in output, output


def _disk() -> dict[str, str]:
    """A block device of the machine."""
    for path in sorted(Path("/sys/block").iterdir()):
        if not path.name.startswith(("loop", "ram", "zram")):
            major, minor = (path / "dev").read_text().strip().split(":")
            return {"disk": path.name, "major": major, "minor": minor}
    pytest.skip("this machine shows no disk that a guest could be kept from")


def test_down_clears_a_lab_that_was_killed(lab_command: LabCommand, site_folder: Path) -> None:
    lab_command("up", "--yes", "--site", str(site_folder))
    facts = json.loads((lab_command.folder / "lab.json").read_text())
    for process in facts["processes"].values():
        os.kill(process["pid"], 9)
    assert "has ended" in lab_command("status", code=3)
    lab_command("down")
    assert not lab_command.folder.exists()
    assert processes_of(lab_command.folder, lab_command.namespace) == []


def test_up_repairs_a_lab_that_was_killed_and_leaves_a_running_one_alone(
    lab_command: LabCommand, site_folder: Path
) -> None:
    lab_command("up", "--yes", "--site", str(site_folder))
    facts = json.loads((lab_command.folder / "lab.json").read_text())
    os.kill(facts["processes"]["emulator"]["pid"], 9)
    lab_command("up", "--yes", "--site", str(site_folder))
    repaired = json.loads((lab_command.folder / "lab.json").read_text())
    assert repaired["processes"]["files"] == facts["processes"]["files"]
    assert repaired["processes"]["emulator"] != facts["processes"]["emulator"]
    lab_command("up", "--yes", "--site", str(site_folder))
    assert json.loads((lab_command.folder / "lab.json").read_text()) == repaired


def test_it_asks_before_the_first_start_and_says_what_it_will_do(machine: Path, tmp_path: Path) -> None:
    stranger = LabCommand(tmp_path)
    said = stranger("up", code=1)
    assert "kernel.panic" in said and "say --yes" in said
    assert not stranger.folder.exists()
