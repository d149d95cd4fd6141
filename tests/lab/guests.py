"""One guest of the running lab, driven through the backend as the emulator drives it."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lab.nodes import namespace
from lab.nodes.backend import ContainerBackend
from lab.pve.guests.backend import AgentNotRunning, GuestDisk, GuestSpec, Nic
from lab.pve.network import interfaces
from tests.lab.conftest import LabCommand

T = TypeVar("T")
VMBR1 = interfaces.normalised({"iface": "vmbr1", "type": "bridge", "autostart": 1, "cidr": "10.0.0.2/24", "mtu": 9000})
BOOT_SECONDS = 120


def spec(vmid: int, checksum: str | None, public_key: str, **changes: Any) -> GuestSpec:
    """A guest as the emulator would start it: two cards, cloud-init with static addresses."""
    last = vmid % 100
    name = f"guest-{vmid}"
    cards = [
        Nic(0, f"BC:24:11:00:00:{last:02X}", "vmbr0", None, None, "virtio"),
        Nic(1, f"BC:24:11:00:01:{last:02X}", "vmbr1", None, None, "virtio"),
    ]
    network = "version: 1\nconfig:\n" + "".join(
        f"- type: physical\n  name: eth{card.index}\n  mac_address: '{card.mac.lower()}'\n  subnets:\n"
        f"  - {{type: static, address: '{address}', netmask: 255.255.255.0{gateway}}}\n"
        for card, address, gateway in zip(
            cards, (f"192.168.0.{last}", f"10.0.0.{last}"), (", gateway: 192.168.0.1", ""), strict=True
        )
    )
    network += "- {type: nameserver, address: [192.168.0.2], search: [detectviz.internal]}\n"
    user = (
        f"#cloud-config\nhostname: {name}\nmanage_etc_hosts: true\nfqdn: {name}.detectviz.internal\nuser: ubuntu\n"
        f"ssh_authorized_keys:\n  - {public_key}\nchpasswd:\n  expire: False\nusers:\n  - default\n"
        "package_upgrade: true\n"
    )
    seed = {"meta-data": f"instance-id: {uuid.uuid4().hex}\n", "user-data": user, "network-config": network}
    values: dict[str, Any] = {
        "vmid": vmid, "node": "proxmox", "name": name, "uuid": str(uuid.uuid4()), "cores": 2, "memory_mb": 1024,
        "nics": cards, "disks": [GuestDisk("scsi0", "nvme-vm:vm-disk-0", 10 * 2**30, None)],
        "image_sha256": checksum, "seed": seed,
    }  # fmt: skip
    return GuestSpec(**{**values, **changes})


async def add_bridge(backend: ContainerBackend, entry: dict[str, Any]) -> None:
    """One more bridge in the Proxmox host's file, and in force."""
    file = backend.network_folder("proxmox") / "interfaces"
    file.write_text(interfaces.show({**interfaces.parse(file.read_text()), entry["iface"]: entry}))
    await backend.reload_network("proxmox")


class Machine:
    """A started guest and the means to look at it from outside."""

    def __init__(self, backend: ContainerBackend, guest: GuestSpec, network: str, key: Path) -> None:
        self.backend = backend
        self.spec = guest
        self.network = network
        self.key = key
        self.address = f"192.168.0.{guest.vmid % 100}"

    async def agent(self, command: str, **arguments: Any) -> Any:
        return await self.backend.agent(self.spec.vmid, command, arguments)

    async def until_agent(self) -> None:
        for _ in range(BOOT_SECONDS * 5):
            try:
                await self.agent("guest-ping")
                return
            except AgentNotRunning:
                await asyncio.sleep(0.2)
        raise AssertionError(f"the agent of {self.spec.vmid} did not answer within {BOOT_SECONDS} s")

    async def until_booted(self) -> None:
        """The agent answers and cloud-init has ended, well or not."""
        await self.until_agent()
        await self.run("/usr/bin/cloud-init", "status", "--wait")

    async def read(self, path: str) -> str:
        handle = await self.agent("guest-file-open", path=path, mode="r")
        answer = await self.agent("guest-file-read", handle=handle, count=65536)
        await self.agent("guest-file-close", handle=handle)
        return base64.b64decode(answer["buf-b64"]).decode()

    async def run(self, path: str, *words: str) -> tuple[int, str]:
        """Exit code and output of a program, started by the agent."""
        started = await self.agent("guest-exec", path=path, arg=list(words), **{"capture-output": True})
        for _ in range(BOOT_SECONDS * 5):
            status = await self.agent("guest-exec-status", pid=started["pid"])
            if status["exited"]:
                out = base64.b64decode(status.get("out-data", "")) + base64.b64decode(status.get("err-data", ""))
                return status.get("exitcode", -1), out.decode()
            await asyncio.sleep(0.2)
        raise AssertionError(f"{path} did not end")

    async def shell(self, script: str) -> tuple[int, str]:
        return await self.run("/bin/sh", "-c", script)

    def outside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in the lab's network, on the Proxmox host's side."""
        return subprocess.run(
            [*namespace.enter(self.network), *words], text=True, capture_output=True, check=False, timeout=60
        )

    def ssh(self, script: str, known_hosts: Path) -> subprocess.CompletedProcess[str]:
        return self.outside(
            "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts}",
            "-i", str(self.key), f"ubuntu@{self.address}", script,
        )  # fmt: skip


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """A bound for what must end by itself."""
    return await asyncio.wait_for(awaitable, seconds)


Scenario = Callable[[Machine], Coroutine[Any, Any, None]]


async def with_guest(lab: LabCommand, scenario: Scenario, vmid: int = 111, start: bool = True, **changes: Any) -> None:
    """A guest of the running lab for a scenario; it is destroyed afterwards. `changes`: to its specification."""
    systems = lab.folder / "systems"
    backend = ContainerBackend(systems)
    await add_bridge(backend, VMBR1)
    checksum = next(iter(json.loads((systems / "backend.json").read_text())["images"]))
    public_key = (lab.folder / "id_ed25519.pub").read_text().strip()
    guest = spec(vmid, changes.pop("image_sha256", checksum), public_key, **changes)
    machine = Machine(backend, guest, lab.namespace, lab.folder / "id_ed25519")
    try:
        if start:
            await backend.start(guest)
        await scenario(machine)
    finally:
        await backend.destroy(vmid)
