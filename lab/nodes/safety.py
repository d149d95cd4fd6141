"""What keeps the machine safe from its privileged guests: pure lists, and the sysctls the lab borrows.

This guards against accidents (a role that formats a disk, sets the clock or switches swap off), not against a
hostile guest: root in a privileged container can undo what another root has set up.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from lab.pve.state import write_atomic

# Taken from the guest's bounding set, so that nothing inside it, nested containers included, has them.
DROPPED_CAPABILITIES = ("CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_BOOT", "CAP_SYS_RAWIO")

# Linux capabilities by number.
CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
        "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
        "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
        "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
        "PERFMON BPF CHECKPOINT_RESTORE"
    ).split()
)

# Not namespaced: a write in a guest would change the machine.
READONLY_PATHS = ("/proc/sys/kernel", "/proc/sys/vm", "/proc/sys/fs", "/proc/irq", "/proc/bus")
# swapoff reads /proc/swaps; sysrq-trigger reboots the machine; kcore is the machine's memory.
MASKED_PATHS = ("/proc/swaps", "/proc/sysrq-trigger", "/proc/kcore", "/proc/latency_stats", "/proc/timer_list")

# Character devices a node needs: memory specials, terminals, pseudo terminals. Others (disks behind SCSI generic,
# NVMe admin queues, watchdogs, the machine's consoles) are refused.
ALLOWED_CHAR_MAJORS = frozenset({1, 5, 136})
REFUSED_MEM_MINORS = (1, 2, 4)  # mem, kmem, port
MISC_MAJOR = 10
ALLOWED_MISC = frozenset({"tun", "fuse"})
LOOP_MAJOR = 7
HIGHEST_LOOP = 256

# Gone with a restart of the machine, as the borrowed values are.
BORROWED = Path("/run/detectviz-lab")
# The kubelet wants these and cannot set them itself, as /proc/sys is read-only in the guests. All guests share one
# user's inotify instances, of which a kubelet and systemd take a dozen each: the default of 128 is for one machine.
BORROWED_SYSCTLS = {
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "vm.overcommit_memory": "1",
    "fs.inotify.max_user_instances": "8192",
}

DeviceRule = dict[str, object]


def guest_capabilities(bounding_set: int) -> list[str]:
    """What of our own bounding set (a mask, as CapBnd in /proc/self/status) a guest may have."""
    held = (name for number, name in enumerate(CAPABILITIES) if bounding_set >> number & 1)
    return [name for name in held if name not in DROPPED_CAPABILITIES]


def device_rules(proc_devices: str, proc_misc: str, loops: Iterable[int] = ()) -> list[DeviceRule]:
    """Device-cgroup rules of a guest, for /proc/devices and /proc/misc of the machine.

    Everything is allowed first and then denied for reading and writing only: nested container runtimes must still be
    able to write their own mknod and allow-all rules, which the kernel takes only below such a group.
    `loops`: minors of the loop devices that the lab made for this guest.
    """
    own = frozenset(loops)
    chars, blocks = _majors(proc_devices)
    rules: list[DeviceRule] = [{"allow": True, "access": "rwm"}]
    if own:
        # The kernel has no exception from a denied wildcard, so every other device is named.
        rules += [_deny("b", major) for major in sorted(blocks - {LOOP_MAJOR})]
        rules += [_deny("b", LOOP_MAJOR, minor) for minor in range(HIGHEST_LOOP) if minor not in own]
    else:
        rules.append(_deny("b"))
    rules += [_deny("c", 1, minor) for minor in REFUSED_MEM_MINORS]
    rules += [_deny("c", major) for major in sorted(chars - ALLOWED_CHAR_MAJORS - {MISC_MAJOR})]
    for line in proc_misc.splitlines():
        minor, name = line.split()
        if name not in ALLOWED_MISC:
            rules.append(_deny("c", MISC_MAJOR, int(minor)))
    return rules


def _majors(proc_devices: str) -> tuple[set[int], set[int]]:
    chars, _, blocks = proc_devices.partition("Block devices:")
    return _numbers(chars), _numbers(blocks)


def _numbers(section: str) -> set[int]:
    return {int(words[0]) for words in map(str.split, section.splitlines()) if len(words) == 2 and words[0].isdigit()}


def _deny(kind: str, major: int | None = None, minor: int | None = None) -> DeviceRule:
    rule: DeviceRule = {"allow": False, "type": kind, "access": "rw"}
    if major is not None:
        rule["major"] = major
    if minor is not None:
        rule["minor"] = minor
    return rule


def borrow_sysctls(lab: str) -> None:
    """Set what the kubelets need. The machine's own values are noted once for all labs that run."""
    (BORROWED / "labs").mkdir(parents=True, exist_ok=True)
    record = BORROWED / "sysctls.json"
    noted = json.loads(record.read_text()) if record.exists() else {}
    own = {name: _sysctl(name).read_text().strip() for name in BORROWED_SYSCTLS if name not in noted}
    if own:
        write_atomic(record, json.dumps({**noted, **own}))
    (BORROWED / "labs" / lab).touch()
    for name, value in BORROWED_SYSCTLS.items():
        _sysctl(name).write_text(value)


def return_sysctls(lab: str) -> None:
    """The last lab gives the machine its own values back; nothing happens when none were borrowed."""
    (BORROWED / "labs" / lab).unlink(missing_ok=True)
    record = BORROWED / "sysctls.json"
    if not record.exists() or any((BORROWED / "labs").iterdir()):
        return
    for name, value in json.loads(record.read_text()).items():
        _sysctl(name).write_text(value)
    shutil.rmtree(BORROWED)


def _sysctl(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))
