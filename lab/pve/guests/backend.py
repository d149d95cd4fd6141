"""What stands behind running guests: the emulator says what a guest has, the backend makes it run.

Two backends: `simulated` (here, no real system) and the lab's containers (lab.nodes). The emulator calls `start` with
all that a QEMU command line would have said; the backend decides what boots. Agent commands are those of the QEMU
guest agent's own protocol ("guest-ping", "guest-network-get-interfaces", "guest-file-open", "guest-exec", ...), with
its arguments and answers (file contents and output in base64).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class BackendError(Exception):
    """The guest could not be started or acted on; the text becomes the task's error."""


class AgentNotRunning(Exception):
    """Nobody answers behind the agent's channel (yet)."""


class AgentError(Exception):
    """The agent refused; the text is its own description."""


@dataclass
class Nic:
    """`mtu` is what the guest sees (resolved, never 1); None is the bridge's."""

    index: int
    mac: str
    bridge: str
    mtu: int | None
    tag: int | None
    model: str


@dataclass
class GuestDisk:
    """`key` is the configuration key (scsi0); `serial` the drive's serial option."""

    key: str
    volid: str
    size_bytes: int
    serial: str | None


@dataclass
class GuestSpec:
    """A guest as it is started.

    `image_sha256`: checksum of the cloud image its system disk descends from (None: a blank disk; it runs, but no
    system boots). `seed`: the NoCloud files meta-data, user-data, network-config, vendor-data (None: no cloud-init
    drive).
    """

    vmid: int
    node: str
    name: str
    uuid: str
    cores: int
    memory_mb: int
    nics: list[Nic]
    disks: list[GuestDisk]
    image_sha256: str | None
    seed: dict[str, str] | None


class GuestBackend(Protocol):
    """All methods may raise BackendError. Calls for one guest never overlap, but for `agent` and `running`."""

    async def start(self, spec: GuestSpec) -> None:
        """Power on. Returns when the guest runs, not when its system is up."""

    async def shutdown(self, vmid: int) -> None:
        """Press the power button; returns when the guest is off. The caller bounds it."""

    async def stop(self, vmid: int) -> None:
        """Pull the plug; no error when it is off already."""

    async def reset(self, vmid: int) -> None:
        """Press the reset button."""

    async def destroy(self, vmid: int) -> None:
        """Forget the guest and all it has stored; no error when it is unknown."""

    async def running(self) -> set[int]:
        """The guests that run now."""

    async def agent(self, vmid: int, command: str, arguments: dict[str, Any]) -> Any:
        """One command of the guest agent. AgentNotRunning, AgentError."""

    async def host_file(self, node: str, path: str) -> bytes | None:
        """A file of the Proxmox host's own system, by its absolute path there; None when it is not there."""

    async def host_files(self, node: str, folder: str) -> dict[str, int]:
        """{name: size} of the files in a folder of the Proxmox host's own system."""

    async def bridges(self, node: str) -> list[dict[str, Any]]:
        """Real bridges of the node [{name, mtu, addresses: [cidr]}]; [] when there is no real network."""

    def network_folder(self, node: str) -> Path | None:
        """/etc/network of the node's own system; None where the node's network is on paper only."""

    async def reload_network(self, node: str) -> None:
        """Make the node's real network as its /etc/network/interfaces says."""
