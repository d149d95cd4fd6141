"""One virtual machine's record: configuration, pending changes, and where it is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from lab.pve.errors import died
from lab.pve.qemu import text

if TYPE_CHECKING:
    from lab.pve.world import World

INTEGERS = {"balloon", "cores", "cpulimit", "cpuunits", "migrate_speed", "shares", "smp", "sockets", "vcpus"}
BOOLEANS = {"acpi", "allow-ksm", "autostart", "ciupgrade", "freeze", "keephugepages", "kvm", "localtime", "numa",
            "onboot", "protection", "reboot", "tablet", "tdf", "template"}


class Guest:
    """A view of a record in state.guests; `save` writes it.

    The record: {vmid, node, kind, config, pending, pending_delete: {key: force}, cloudinit (what the seed was made of),
    running, started, ha}. Configuration values are kept as the file has them: text.
    """

    def __init__(self, world: World, record: dict[str, Any]) -> None:
        self.world = world
        self.record = record

    @classmethod
    def create(cls, world: World, vmid: int, node: str, config: dict[str, str]) -> Guest:
        """A new record, saved at once: the id is taken from now on."""
        world.check_quorum()
        guest = cls(world, {"vmid": vmid, "node": node, "kind": "qemu", "config": config, "pending": {},
                            "pending_delete": {}, "cloudinit": {}, "running": False, "started": None, "ha": False,
                            "created": world.clock.now()})
        world.state.guests[str(vmid)] = guest.record
        guest.save()
        return guest

    @property
    def vmid(self) -> int:
        return self.record["vmid"]

    @property
    def node(self) -> str:
        return self.record["node"]

    @property
    def config(self) -> dict[str, str]:
        return self.record["config"]

    @property
    def pending(self) -> dict[str, str]:
        return self.record["pending"]

    @property
    def pending_delete(self) -> dict[str, int]:
        return self.record["pending_delete"]

    @property
    def running(self) -> bool:
        return self.record["running"]

    @property
    def is_template(self) -> bool:
        return str(self.config.get("template")) == "1"

    @property
    def name(self) -> str:
        return self.config.get("name") or f"VM{self.vmid}"

    @property
    def digest(self) -> str:
        return text.digest(text.show(self.config, self.pending, self.pending_delete, self.record["cloudinit"]))

    async def is_running(self) -> bool:
        """What the backend says; a guest that powered itself off is noticed here."""
        for _attempt in range(3):
            noted = self.running
            running = self.vmid in await self.world.backend.running()
            if self.running == noted:  # else it was switched while we asked, and the answer may be old
                break
        if running != self.running:
            self.record.update(running=running, started=self.world.clock.now() if running else None)
            self.save()
        return running

    def save(self) -> None:
        self.world.save("guests", self.vmid)

    def remove(self) -> None:
        self.world.check_quorum()
        self.world.state.guests.pop(str(self.vmid), None)
        self.save()

    def check_lock(self) -> None:
        """500 while another operation has the machine."""
        if self.config.get("lock"):
            raise died(f"VM is locked ({self.config['lock']})")

    def check_digest(self, digest: str | None) -> None:
        """500 when the configuration is no longer the one the caller has seen."""
        if digest and digest != self.digest:
            raise died("checksum mismatch (file change by other user?)")

    def merged(self) -> dict[str, str]:
        """The configuration as it will be once all pending changes are in."""
        merged = {key: value for key, value in self.config.items() if key not in self.pending_delete}
        merged.update(self.pending)
        return merged


def load(world: World, vmid: int, node: str | None = None) -> Guest:
    """500 "does not exist" unless the machine is there (and on that node, when given)."""
    record = world.state.guests.get(str(vmid))
    if record is None or record["kind"] != "qemu" or node not in (None, record["node"]):
        where = f"nodes/{node or world.local_node}/qemu-server/{vmid}.conf"
        raise died(f"Configuration file '{where}' does not exist")
    return Guest(world, record)


def guests_of(world: World, node: str | None = None) -> list[Guest]:
    """All virtual machines (of a node), by id."""
    found = [Guest(world, record) for record in world.state.guests.values()
             if record["kind"] == "qemu" and node in (None, record["node"])]
    return sorted(found, key=lambda guest: guest.vmid)


def typed(key: str, value: Any) -> Any:
    """A configuration value as the API gives it: numbers and booleans as numbers, `memory` as text."""
    if key == "cipassword":
        return "**********"
    if key == "description":
        return f"{value}\n"
    if key in INTEGERS:
        number = float(value)
        return int(number) if number.is_integer() else number
    if key in BOOLEANS:
        return 1 if str(value).lower() in ("1", "on", "yes", "true") else 0
    return str(value)


def new_uuid() -> str:
    return str(uuid.uuid4())
