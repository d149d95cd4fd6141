"""The OCI runtime configuration of one system container: a pure function of what the guest is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.nodes import safety

CPU_PERIOD_US = 100_000


@dataclass(frozen=True)
class Bind:
    """A folder or file of the lab's state seen inside the system."""

    source: Path
    target: str
    readonly: bool = False


@dataclass(frozen=True)
class System:
    """One system to run: what it is called, what it sees, what it may use."""

    name: str
    rootfs: Path
    cgroup: str
    uuid: str
    binds: Sequence[Bind] = ()
    network_namespace: Path | None = None  # None: a network namespace of its own
    cores: int | None = None
    memory_mb: int | None = None
    loops: Sequence[int] = field(default=())


@dataclass(frozen=True)
class Machine:
    """What the machine's kernel says about itself."""

    devices: str  # /proc/devices
    misc: str  # /proc/misc
    bounding_set: int  # CapBnd of this process

    @classmethod
    def this(cls) -> Machine:
        status = Path("/proc/self/status").read_text()
        mask = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
        return cls(Path("/proc/devices").read_text(), Path("/proc/misc").read_text(), int(mask, 16))


def runtime_config(system: System, machine: Machine) -> dict[str, object]:
    """The content of config.json for runc."""
    capabilities = safety.guest_capabilities(machine.bounding_set)
    namespaces: list[dict[str, str]] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")]
    network = {"type": "network"}
    if system.network_namespace is not None:
        network["path"] = str(system.network_namespace)
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": ["/sbin/init"],
            "cwd": "/",
            "user": {"uid": 0, "gid": 0},
            # systemd takes the machine id of a first boot from container_uuid, as it does from a VM's SMBIOS.
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "container=oci",
                f"container_uuid={system.uuid}",
            ],
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
            "noNewPrivileges": False,
        },
        "root": {"path": str(system.rootfs), "readonly": False},
        "hostname": "localhost",
        "mounts": [*_kernel_mounts(), *(_bind(bind) for bind in system.binds)],
        "linux": {
            "namespaces": [*namespaces, network],
            "cgroupsPath": system.cgroup,
            "resources": _resources(system, safety.device_rules(machine.devices, machine.misc, system.loops)),
            "devices": _devices(machine.misc, system.loops),
            "rootfsPropagation": "shared",
            "readonlyPaths": list(safety.READONLY_PATHS),
            "maskedPaths": list(safety.MASKED_PATHS),
        },
    }


def _kernel_mounts() -> list[dict[str, object]]:
    plain = ["nosuid", "noexec", "nodev"]
    return [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": plain},
        {
            "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {
            "destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        },
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*plain, "mode=1777"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": plain},
        # Read-only /sys keeps udev off, lets networkd work without it, and the machine's devices as they are.
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*plain, "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": [*plain, "relatime", "rw"]},
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=755"]},
        {"destination": "/run/lock", "type": "tmpfs", "source": "tmpfs", "options": [*plain, "mode=1777"]},
    ]  # fmt: skip


def _bind(bind: Bind) -> dict[str, object]:
    options = ["rbind", "rprivate", "ro" if bind.readonly else "rw"]
    return {"destination": bind.target, "type": "bind", "source": str(bind.source), "options": options}


def _resources(system: System, devices: list[safety.DeviceRule]) -> dict[str, object]:
    resources: dict[str, object] = {"devices": devices}
    if system.memory_mb:
        resources["memory"] = {"limit": system.memory_mb * 1024 * 1024}
    if system.cores:
        resources["cpu"] = {"quota": system.cores * CPU_PERIOD_US, "period": CPU_PERIOD_US}
    return resources


def _devices(proc_misc: str, loops: Sequence[int]) -> list[dict[str, object]]:
    # The kubelet watches the kernel's log for out-of-memory kills.
    nodes: list[dict[str, object]] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 0o600}]
    paths = {"tun": "/dev/net/tun", "fuse": "/dev/fuse"}
    for line in proc_misc.splitlines():
        minor, name = line.split()
        if name in paths:
            nodes.append({"path": paths[name], "type": "c", "major": safety.MISC_MAJOR, "minor": int(minor),
                          "fileMode": 0o666})  # fmt: skip
    nodes += [
        {"path": f"/dev/loop{minor}", "type": "b", "major": safety.LOOP_MAJOR, "minor": minor, "fileMode": 0o660}
        for minor in loops
    ]
    return nodes
