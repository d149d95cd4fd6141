"""What the lab needs of the machine, asked all at once, each with the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.nodes.commands import CommandError, run

# Program to the Debian package that has it.
PROGRAMS = {
    "runc": "runc",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "systemctl": "systemd",
    "ssh-keygen": "openssh-client",
    "gpg": "gnupg",
}
CONTROLLERS = ("cpu", "devices", "freezer", "memory", "pids")
FREE_DISK_GB = 4
FREE_MEMORY_GB = 2
CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Lack:
    """One thing the machine lacks, and what to do about it."""

    what: str
    mend: str


class MachineUnfit(RuntimeError):
    """The machine cannot run the lab; the text lists everything it lacks."""

    def __init__(self, lacks: list[Lack]) -> None:
        lines = [f"  - {lack.what}\n    {lack.mend}" for lack in lacks]
        super().__init__("this machine cannot run the lab yet:\n" + "\n".join(lines))
        self.lacks = lacks


def require(*folders: Path) -> None:
    """Raise MachineUnfit unless the lab can run here. `folders`: where it keeps images and guests."""
    lacks = list(missing(*folders))
    if lacks:
        raise MachineUnfit(lacks)


def missing(*folders: Path) -> Iterator[Lack]:
    """Everything the machine lacks."""
    if platform.system() != "Linux":
        yield Lack(f"it runs {platform.system()}", "use a Linux machine, or a virtual machine with Debian 12")
        return
    yield from _programs()
    if os.geteuid() != 0:
        yield Lack("you are not root", "run the same command with sudo")
        return
    yield from _cgroups()
    yield from _kernel()
    yield from _room(folders)


def cgroup_version() -> int:
    """2 with the unified hierarchy, 1 with one hierarchy per controller (also the hybrid of both)."""
    return 2 if (CGROUP_ROOT / "cgroup.controllers").exists() else 1


def remarks() -> list[str]:
    """What is worth saying before the lab starts on this machine."""
    if cgroup_version() == 2:
        return ["this machine has cgroup v2: the lab is written for it, but has so far run on cgroup v1 hybrid only"]
    return []


def _programs() -> Iterator[Lack]:
    lacking = {program: package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if lacking:
        packages = " ".join(sorted(set(lacking.values())))
        yield Lack(f"programs are missing: {', '.join(lacking)}", f"apt-get install --yes {packages}")


def _cgroups() -> Iterator[Lack]:
    if cgroup_version() == 2:
        there = set((CGROUP_ROOT / "cgroup.controllers").read_text().split()) | {"devices", "freezer"}
    else:
        there = {name for name in CONTROLLERS if (CGROUP_ROOT / name / "tasks").exists()}
    absent = [name for name in CONTROLLERS if name not in there]
    if absent:
        yield Lack(
            f"control groups without {', '.join(absent)}",
            "boot the kernel with these controllers; in a container, run it with the host's /sys/fs/cgroup writable",
        )


def _kernel() -> Iterator[Lack]:
    # In network namespaces of their own, gone with the command: the machine's links are not touched.
    for kind, words in (
        ("bridge", ("add", "name", "lab0", "type", "bridge")),
        ("veth", ("add", "name", "lab0", "type", "veth", "peer", "name", "lab1")),
    ):
        try:
            run("unshare", "--net", "ip", "link", *words)
        except CommandError as error:
            yield Lack(
                f"the kernel makes no {kind} links ({error})",
                f"modprobe {kind}, or boot a kernel that has it; in a container, run it with CAP_SYS_ADMIN",
            )


def _room(folders: tuple[Path, ...]) -> Iterator[Lack]:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free / 1024**3
        if free < FREE_DISK_GB:
            yield Lack(f"{folder} has {free:.1f} GB left, the lab needs {FREE_DISK_GB}", "free some room")
        with tempfile.TemporaryDirectory(dir=folder, prefix=".overlay-") as name:
            for part in ("lower", "upper", "work", "merged"):
                Path(name, part).mkdir()
            options = f"lowerdir={name}/lower,upperdir={name}/upper,workdir={name}/work"
            try:
                run("unshare", "--mount", "mount", "-t", "overlay", "lab", "-o", options, f"{name}/merged")
            except CommandError as error:
                yield Lack(
                    f"{folder} cannot carry an overlay file system ({error})",
                    "modprobe overlay; or put DETECTVIZ_CACHE and XDG_STATE_HOME on ext4, xfs or btrfs",
                )
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
    if available / 1024**3 < FREE_MEMORY_GB:
        yield Lack(f"{available / 1024**3:.1f} GB of memory are free, the lab needs {FREE_MEMORY_GB}", "end something")
