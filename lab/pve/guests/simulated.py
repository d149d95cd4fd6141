"""Guests that only exist on paper: they boot after the profile's time, and their agent answers from the seed."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.pve.guests.backend import AgentNotRunning, BackendError, GuestSpec
from lab.pve.guests.host_files import files_in, regular_file
from lab.pve.guests.paper import PaperSystem

if TYPE_CHECKING:
    from lab.pve.world import World


class SimulatedBackend:
    """Keeps what runs in the table `simulated` of the state, so that guests outlive a restart of the emulator."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = world.state.table("simulated")
        self._systems: dict[int, PaperSystem] = {}

    async def start(self, spec: GuestSpec) -> None:
        record = self._table.setdefault(str(spec.vmid), {"host_key": PaperSystem.new_host_key()})
        boot = self._world.profile.boot_seconds(spec.vmid)
        booted = None if spec.image_sha256 is None else self._real(boot)
        record.update(spec=asdict(spec), running=True, booted=booted)
        self._systems.pop(spec.vmid, None)
        self._table.save(spec.vmid)

    async def shutdown(self, vmid: int) -> None:
        record = self._record(vmid)
        if record["booted"] is None or record["booted"] > time.time():
            # no system listens to the power button: QEMU stays up until someone pulls the plug
            await self._world.clock.sleep(24 * 3600)
        await self._world.clock.sleep(self._world.profile.shutdown)
        await self.stop(vmid)

    async def stop(self, vmid: int) -> None:
        record = self._table.get(str(vmid))
        if record:
            record.update(running=False, booted=None)
            self._table.save(vmid)

    async def reset(self, vmid: int) -> None:
        record = self._record(vmid)
        if record["booted"] is not None:
            record["booted"] = self._real(self._world.profile.boot)
            self._table.save(vmid)

    async def destroy(self, vmid: int) -> None:
        self._systems.pop(vmid, None)
        self._table.pop(str(vmid), None)
        self._table.save(vmid)

    async def running(self) -> set[int]:
        return {int(vmid) for vmid, record in self._table.items() if record.get("running")}

    async def agent(self, vmid: int, command: str, arguments: dict[str, Any]) -> Any:
        record = self._table.get(str(vmid), {})
        booted = record.get("booted")
        if not record.get("running") or booted is None or booted > time.time():
            raise AgentNotRunning(f"the agent of guest {vmid} does not answer")
        return self._system(vmid, record).answer(command, arguments)

    async def host_file(self, node: str, path: str) -> bytes | None:
        """The hosts' files lie in `hosts/<node>` of the state."""
        return regular_file(self._world.folder / "hosts" / node, path)

    async def host_files(self, node: str, folder: str) -> dict[str, int]:
        return files_in(self._world.folder / "hosts" / node, folder)

    async def bridges(self, node: str) -> list[dict[str, Any]]:
        return []

    def network_folder(self, node: str) -> Path | None:
        """The network is on paper."""
        return None

    async def reload_network(self, node: str) -> None:
        """There is no real network to change."""

    def _system(self, vmid: int, record: dict[str, Any]) -> PaperSystem:
        if vmid not in self._systems:
            self._systems[vmid] = PaperSystem(record["spec"], record["host_key"])
        return self._systems[vmid]

    def _record(self, vmid: int) -> dict[str, Any]:
        record = self._table.get(str(vmid))
        if not record or not record.get("running"):
            raise BackendError(f"VM {vmid} is not running")
        return record

    def _real(self, seconds: float) -> float:
        """The true time at which so many seconds of the host will have passed."""
        return time.time() + self._world.clock.real(seconds)
