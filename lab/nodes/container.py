"""One system container: an overlay over the image, run by runc. Its disk outlives stop and start."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from lab.nodes import loops, oci
from lab.nodes.commands import CommandError, run, start_time

CGROUP_ROOT = Path("/sys/fs/cgroup")
# Container runtimes lay their own overlays here, and an overlay cannot lie on an overlay.
PLAIN_FOLDERS = ("var/lib/containerd", "var/lib/kubelet", "var/lib/etcd", "var/lib/docker-registry")
SYSTEMD_POWEROFF = signal.SIGRTMIN + 4  # systemd starts poweroff.target, as on a press of the power button
KILL_SECONDS = 10


class Container:
    """A system container below `folder`: disk/ (what it wrote), rootfs (mounted while it runs), config.json.

    `name` is unique on the machine (lab and system), `group` the lab's control group.
    """

    def __init__(self, name: str, group: str, folder: Path, image: Path) -> None:
        self.name = name
        self.group = group
        self.folder = folder
        self.image = image
        self.rootfs = folder / "rootfs"

    # --- disk

    def attach_disk(self) -> None:
        """Mount the system's root: the image below, what the system wrote above."""
        upper, work = self.folder / "disk/upper", self.folder / "disk/work"
        for folder in (upper, work, self.rootfs):
            folder.mkdir(parents=True, exist_ok=True)
        self.detach_disk()
        options = f"lowerdir={self.image},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", self.name, "-o", options, self.rootfs)

    def detach_disk(self) -> None:
        """Unmount the root; fine when it is not mounted, or another process of the lab is quicker."""
        if os.path.ismount(self.rootfs):
            said = run("umount", "--lazy", self.rootfs, check=False)
            if os.path.ismount(self.rootfs):
                raise CommandError(["umount", "--lazy", str(self.rootfs)], 1, said)

    def plain_binds(self) -> list[oci.Bind]:
        """Folders of the system that must not lie on an overlay."""
        binds = []
        for name in PLAIN_FOLDERS:
            source = self.folder / "disk/plain" / name.replace("/", "-")
            source.mkdir(parents=True, exist_ok=True)
            binds.append(oci.Bind(source, f"/{name}"))
        return binds

    # --- life

    def start(
        self,
        uuid: str,
        binds: Sequence[oci.Bind] = (),
        cores: int | None = None,
        memory_mb: int | None = None,
        network_namespace: Path | None = None,
        before_boot: Callable[[int], None] | None = None,
        disks: Mapping[str, Path] | None = None,
    ) -> int:
        """Boot the system and return its init's process id.

        `disks`: files that become block devices of the system, by their name in /dev/disk/by-id. `before_boot` is
        called with the process id when namespaces and limits stand and init has not begun: the place to plug network
        cards.
        """
        self.clear()
        self.attach_disk()
        try:
            numbers = {name: loops.attach(file) for name, file in (disks or {}).items()}
            system = oci.System(
                name=self.name, rootfs=self.rootfs, cgroup=f"/{self.group}/{self.name}", uuid=uuid,
                binds=[*self.plain_binds(), *binds], network_namespace=network_namespace,
                cores=cores, memory_mb=memory_mb, loops=list(numbers.values()),
            )  # fmt: skip
            config = oci.runtime_config(system, oci.Machine.this())
            (self.folder / "config.json").write_text(json.dumps(config, indent=1))
            self._create()
            pid = self.pid()
            if pid is None:
                raise CommandError(["runc", "create", self.name], 1, "no init process")
            self._new_boot_id(pid)
            self._share_mounts(pid)
            self._name_disks(pid, numbers)
            if before_boot:
                before_boot(pid)
            self._runc("start", self.name)
        except BaseException:
            self.clear()
            raise
        return pid

    def _create(self) -> None:
        # The init keeps these files open for its life: never a pipe, or the caller would wait for the guest's end.
        log = self.folder / "console.log"
        with log.open("w") as console:
            done = subprocess.run(
                ["runc", "--root", str(self._runc_root), "create", "--bundle", str(self.folder), self.name],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False, timeout=60,
            )  # fmt: skip
        if done.returncode != 0:
            raise CommandError(["runc", "create", self.name], done.returncode, log.read_text(errors="replace"))

    def _new_boot_id(self, pid: int) -> None:
        """Each boot has an id of its own, as on a real machine: the journal and Ansible's reboot go by it."""
        script = (
            "cat > /run/boot_id && chmod 444 /run/boot_id && "
            "mount --bind /run/boot_id /proc/sys/kernel/random/boot_id && rm /run/boot_id"
        )
        run("nsenter", f"--target={pid}", "--mount", "--", "/bin/sh", "-c", script, stdin=f"{uuid4()}\n")

    def _share_mounts(self, pid: int) -> None:
        """What systemd does at boot, but not in a container: pods with mounts for their node need it. Among whom they are
        shared is the guest's own: the machine sees none of them."""
        run("nsenter", f"--target={pid}", "--mount", "--", "mount", "--make-rshared", "/")

    def _name_disks(self, pid: int, numbers: Mapping[str, int]) -> None:
        """What udev does on a machine with a kernel of its own."""
        links = "".join(f"ln -s ../../loop{number} /dev/disk/by-id/{shlex.quote(name)}\n" for name, number in numbers.items())
        if links:
            script = f"set -e\nmkdir -p /dev/disk/by-id\n{links}"
            run("nsenter", f"--target={pid}", "--mount", "--", "/bin/sh", stdin=script)

    def pid(self) -> int | None:
        """Process id of the system's init while it lives."""
        try:
            state = json.loads((self._runc_root / self.name / "state.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        pid = int(state["init_process_pid"])
        return pid if start_time(pid) == int(state["init_process_start"]) else None

    def running(self) -> bool:
        """Whether the system has begun to boot and has not ended. Read from runc's state, as it is asked often."""
        return self.pid() is not None and not (self._runc_root / self.name / "exec.fifo").exists()

    def power_button(self) -> None:
        """Ask the system to power off in good order."""
        self._signal(SYSTEMD_POWEROFF)

    def wait_end(self, seconds: float | None = None) -> bool:
        """Wait until the init has ended; False after `seconds`."""
        pid = self.pid()
        if pid is None:
            return True
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)

    def kill(self) -> None:
        """Pull the plug."""
        self._signal(signal.SIGKILL)
        if not self.wait_end(KILL_SECONDS):
            raise CommandError(["runc", "kill", self.name], 1, f"the system is still there after {KILL_SECONDS} s")
        self.clear()

    def clear(self) -> None:
        """Remove what a system that has ended, or was killed with its lab, leaves: runc's state, cgroup, mount, loop
        devices."""
        if self._runc_root.is_dir():
            self._runc("delete", "--force", self.name, check=False)
        self.detach_disk()
        loops.detach_below(self.folder)

    def destroy(self) -> None:
        """End the system and remove its disk."""
        self.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- runc

    @property
    def _runc_root(self) -> Path:
        return self.folder.parent / "runc"

    def _runc(self, *words: str, check: bool = True) -> str:
        return run("runc", "--root", self._runc_root, *words, check=check, timeout=60)

    def _signal(self, number: int) -> None:
        pid = self.pid()
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return


def remove_control_groups(group: str) -> None:
    """Remove the lab's empty control groups in every hierarchy (cgroup v1) or in the one (v2)."""
    for hierarchy in (CGROUP_ROOT, *CGROUP_ROOT.iterdir()):
        top = hierarchy / group
        if top.is_dir():
            for folder, _, _ in os.walk(top, topdown=False):
                os.rmdir(folder)
