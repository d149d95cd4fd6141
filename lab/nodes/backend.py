"""Real guests for the emulator: `start` boots a system container with the guest's cards, limits and cloud-init seed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import stat
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.nodes import agent, bridges, host_system, nics, router
from lab.nodes.commands import CommandError
from lab.nodes.container import Container
from lab.nodes.oci import Bind
from lab.pve.guests.backend import AgentError, AgentNotRunning, BackendError, GuestDisk, GuestSpec, Nic
from lab.pve.guests.host_files import files_in, regular_file

SEED = "/var/lib/cloud/seed/nocloud"
AGENT_FOLDER = "/dev/virtio-ports"  # where the agent's port is on a virtual machine
AGENT_LINK = "etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service"
SETTINGS = "backend.json"
PING_SECONDS = 3.0
ANSWER_SECONDS = 60.0
# The first disk is the system's, which comes from the image; EFI variables and the like are no disks to a guest.
DATA_DISK = re.compile(r"(scsi|virtio|sata|ide)[1-9]\d*$")


def for_world(world: Any) -> ContainerBackend:
    """The backend of an emulator whose state lies in `<lab>/pve`; its guests lie in `<lab>/systems`."""
    return ContainerBackend(world.folder.parent / "systems")


def write_settings(
    folder: Path, group: str, node: str, images: dict[str, str], gateways: dict[str, str], agent: bool = True
) -> None:
    """What a backend on `folder` needs to know.

    `group`: name of the lab's control group and network namespace; `node`: the Proxmox host whose own system runs;
    `images`: which checksum boots which root; `gateways`: the router's address by bridge;
    `agent`: whether the guest agent starts by itself, which no distribution's own image does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"group": group, "node": node, "images": images, "gateways": gateways, "agent": agent}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1))


class ContainerBackend:
    """Guests of one lab below `folder`: its settings, one folder per guest, and runc's state.

    A guest's disk lives from its first start until `destroy`.
    """

    def __init__(self, folder: Path) -> None:
        settings = json.loads((folder / SETTINGS).read_text())
        self._folder = folder
        self._group: str = settings["group"]
        self._node: str = settings["node"]
        self._agent: bool = settings.get("agent", True)
        self._gateways: dict[str, str] = settings["gateways"]
        self._images = {checksum: Path(rootfs) for checksum, rootfs in settings["images"].items()}
        self._turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._agent_turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._watchers: dict[int, asyncio.Task[None]] = {}

    # --- power

    async def start(self, spec: GuestSpec) -> None:
        """Boot the guest. Raises BackendError with the reason (no such bridge, VLAN filtering missing, runc)."""
        async with self._turns[spec.vmid]:
            await asyncio.to_thread(self._prepare, spec)
            await self._boot(spec)

    async def _boot(self, spec: GuestSpec) -> None:
        self._power(spec.vmid).unlink(missing_ok=True)
        if self._image(spec) is None:
            self._blank(spec.vmid).touch()
            return
        try:
            await asyncio.to_thread(self._start_container, spec)
        except (CommandError, nics.NicError) as error:
            raise BackendError(str(error)) from error
        self._watch(spec.vmid)

    def _prepare(self, spec: GuestSpec) -> None:
        """Lay out the guest's folder: disk, seed, the agent's port. A new machine under an old id starts afresh."""
        folder = self._guest(spec.vmid)
        identity = {"uuid": spec.uuid, "image_sha256": spec.image_sha256}
        known = folder / "identity.json"
        if known.exists() and json.loads(known.read_text()) != identity:
            shutil.rmtree(folder)
        for name in ("seed", "agent", "disks"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if not known.exists() and not self._agent:
            _without_agent(folder / "disk/upper")
        known.write_text(json.dumps(identity))
        (folder / "spec.json").write_text(json.dumps(asdict(spec)))
        for name, content in (spec.seed or {}).items():
            (folder / "seed" / name).write_text(content)
        for disk in spec.disks:
            if DATA_DISK.fullmatch(disk.key):
                _sparse(self._disk_file(spec.vmid, disk), disk.size_bytes)

    def _start_container(self, spec: GuestSpec) -> None:
        folder = self._guest(spec.vmid)
        binds = [Bind(folder / "agent", AGENT_FOLDER)]
        if spec.seed:
            binds.append(Bind(folder / "seed", SEED, readonly=True))

        def plug(pid: int) -> None:
            for nic in spec.nics:
                nics.plug(_card(spec.vmid, nic), self._group, pid)

        self._container(spec.vmid).start(
            spec.uuid, binds, cores=spec.cores, memory_mb=spec.memory_mb, before_boot=plug, disks=self._disks(spec)
        )

    def _disks(self, spec: GuestSpec) -> dict[str, Path]:
        """Data disks by the name that udev gives QEMU's SCSI disks: by serial, or by place without one."""
        return {
            f"scsi-0QEMU_QEMU_HARDDISK_{disk.serial or f'drive-{disk.key}'}": self._disk_file(spec.vmid, disk)
            for disk in spec.disks
            if DATA_DISK.fullmatch(disk.key)
        }

    async def shutdown(self, vmid: int) -> None:
        """Press the power button and wait until the guest is off, for as long as the caller allows."""
        if self._blank(vmid).exists():
            await asyncio.Event().wait()  # no operating system that could answer
        self._container(vmid).power_button()
        await self._off(vmid)

    async def stop(self, vmid: int) -> None:
        """Pull the plug."""
        async with self._turns[vmid]:
            self._forget_watcher(vmid)
            self._blank(vmid).unlink(missing_ok=True)
            await asyncio.to_thread(self._container(vmid).kill)
            await asyncio.to_thread(nics.unplug_all, vmid, self._group)

    async def reset(self, vmid: int) -> None:
        """Pull the plug and start again with what the guest was started with."""
        await self.stop(vmid)
        await self.start(self._spec(vmid))

    async def destroy(self, vmid: int) -> None:
        """End the guest and remove its disks."""
        async with self._turns[vmid]:
            self._forget_watcher(vmid)
            await asyncio.to_thread(self._container(vmid).destroy)
            await asyncio.to_thread(nics.unplug_all, vmid, self._group)

    async def running(self) -> set[int]:
        """Ids of the guests that run, also those that an earlier emulator has started."""
        return await asyncio.to_thread(self._running)

    def _running(self) -> set[int]:
        folders = [path for path in self._folder.iterdir() if path.name.isdigit()] if self._folder.is_dir() else []
        ids = (int(path.name) for path in folders)
        return {vmid for vmid in ids if self._blank(vmid).exists() or self._container(vmid).running()}

    # --- when a guest ends by itself

    def _watch(self, vmid: int) -> None:
        self._forget_watcher(vmid)
        self._watchers[vmid] = asyncio.create_task(self._follow(vmid))

    async def _follow(self, vmid: int) -> None:
        """Wait for the end of the guest's init; boot it again when it was a reboot from inside."""
        await _ended(self._container(vmid).pid())
        async with self._turns[vmid]:
            await asyncio.to_thread(self._container(vmid).clear)
            await asyncio.to_thread(nics.unplug_all, vmid, self._group)
            power = self._power(vmid)
            if power.exists() and power.read_text().strip() == "reboot":
                del self._watchers[vmid]
                await self._boot(self._spec(vmid))

    async def _off(self, vmid: int) -> None:
        watcher = self._watchers.get(vmid)
        if watcher is None or watcher.done():
            self._watch(vmid)
            watcher = self._watchers[vmid]
        await asyncio.shield(watcher)

    def _forget_watcher(self, vmid: int) -> None:
        watcher = self._watchers.pop(vmid, None)
        if watcher is not None:
            watcher.cancel()

    # --- guest agent

    async def agent(self, vmid: int, command: str, arguments: dict[str, Any]) -> Any:
        """Ask the guest's own agent. Raises AgentNotRunning, AgentError."""
        if self._blank(vmid).exists() or self._container(vmid).pid() is None:
            raise AgentNotRunning(f"guest {vmid} has no agent that could answer")
        seconds = PING_SECONDS if command == "guest-ping" else ANSWER_SECONDS
        async with self._agent_turns[vmid]:
            try:
                return await agent.ask(self._guest(vmid) / "agent/agent.sock", command, arguments, seconds)
            except agent.AgentNotAnswering as error:
                raise AgentNotRunning(str(error)) from error
            except agent.AgentRefused as error:
                raise AgentError(str(error)) from error

    async def host_file(self, node: str, path: str) -> bytes | None:
        """A file of the Proxmox host's own system. All hosts of a lab share one."""
        root = host_system.root(self._folder / "host")
        return await asyncio.to_thread(regular_file, root, path)

    async def host_files(self, node: str, folder: str) -> dict[str, int]:
        """Files in a folder of that system."""
        return await asyncio.to_thread(files_in, host_system.root(self._folder / "host"), folder)

    # --- bridges

    async def bridges(self, node: str) -> list[dict[str, Any]]:
        """The bridges of the namespace, as `ip` shows them. All Proxmox hosts of a lab share them."""
        return await asyncio.to_thread(bridges.listing, self._group)

    def network_folder(self, node: str) -> Path:
        """/etc/network of the Proxmox host's own system; other hosts of the lab have only that folder."""
        if node == self._node:
            return host_system.network_folder(self._folder / "host")
        folder = self._networks / node
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def reload_network(self, node: str) -> None:
        """Make the lab's bridges as the host's /etc/network/interfaces says, and plug the router into new ones."""
        try:
            await asyncio.to_thread(self._reload_network, node)
        except CommandError as error:
            raise BackendError(str(error)) from error

    def _reload_network(self, node: str) -> None:
        host = Container(f"{self._group}-host", self._group, self._folder / "host", self._folder)
        if node == self._node and host.running():
            host_system.reload_network(host)
        else:
            bridges.reload(self._group, self.network_folder(node), self._networks / f"{node}.json")
        for bridge in bridges.listing(self._group):
            if bridge["name"] in self._gateways:
                router.attach(self._group, bridge["name"], bridge["mtu"], self._gateways[bridge["name"]])

    # --- places

    def _guest(self, vmid: int) -> Path:
        return self._folder / str(vmid)

    @property
    def _networks(self) -> Path:
        """/etc/network of hosts without a system of their own, and what of theirs has been made."""
        return self._folder.parent / "networks"

    def _disk_file(self, vmid: int, disk: GuestDisk) -> Path:
        return self._guest(vmid) / "disks" / f"{disk.key}.raw"

    def _blank(self, vmid: int) -> Path:
        """Exists while a guest without a known system on its disk is switched on."""
        return self._guest(vmid) / "blank"

    def _power(self, vmid: int) -> Path:
        return self._guest(vmid) / "agent/power"

    def _image(self, spec: GuestSpec) -> Path | None:
        return self._images.get(spec.image_sha256) if spec.image_sha256 else None

    def _container(self, vmid: int) -> Container:
        image = next(iter(self._images.values()))
        with contextlib.suppress(FileNotFoundError):
            identity = json.loads((self._guest(vmid) / "identity.json").read_text())
            image = self._images.get(identity["image_sha256"], image)
        return Container(f"{self._group}-{vmid}", self._group, self._guest(vmid), image)

    def _spec(self, vmid: int) -> GuestSpec:
        saved = json.loads((self._guest(vmid) / "spec.json").read_text())
        saved["nics"] = [Nic(**nic) for nic in saved["nics"]]
        saved["disks"] = [GuestDisk(**disk) for disk in saved["disks"]]
        return GuestSpec(**saved)


def _card(vmid: int, nic: Nic) -> nics.Card:
    return nics.Card(f"tap{vmid}i{nic.index}", f"eth{nic.index}", nic.bridge, nic.mac.lower(), nic.mtu, nic.tag)


def _without_agent(written: Path) -> None:
    """A new disk whose system starts no guest agent: the link that starts it is taken out by an overlay's whiteout."""
    link = written / AGENT_LINK
    link.parent.mkdir(parents=True)
    os.mknod(link, stat.S_IFCHR, os.makedev(0, 0))


def _sparse(path: Path, size: int) -> None:
    """A data disk: a file that takes no room until it is written. Disks only grow."""
    with path.open("ab") as file:
        if file.tell() < size:
            file.truncate(size)


async def _ended(pid: int | None) -> None:
    """Wait for the end of a process that is not our child."""
    if pid is None:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_reader(descriptor, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
