"""Changing a configuration: what POST and PUT .../config do, in the order PVE does it.

A request is checked before a task is forked; the same lock and digest are checked again in the worker. In a machine
that is off all changes apply at once; in a running one some do, and the others wait as pending.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.pve.errors import ApiError, ParameterError, died
from lab.pve.network import bridges
from lab.pve.qemu import cloudinit, disks, drives, nets, options, spec
from lab.pve.qemu.drives import Drive
from lab.pve.qemu.guest import Guest, load, new_uuid
from lab.pve.schema.validate import property_schema
from lab.pve.storage import allocation

if TYPE_CHECKING:
    from lab.pve.registry import Call
    from lab.pve.world import World

_CONTROL = {"node", "vmid", "digest", "background_delay", "skiplock", "force", "delete", "revert", "pool", "start",
            "storage", "unique", "archive", "bwlimit", "live-restore", "import-working-storage", "ha-managed"}


@dataclass
class Change:
    """A checked request. `values` are texts as the file keeps them; `drives` those of them that are drives."""

    values: dict[str, str]
    drives: dict[str, Drive]
    delete: list[str] = field(default_factory=list)
    revert: list[str] = field(default_factory=list)
    force: bool = False
    digest: str | None = None
    pool: str | None = None


def read(call: Call, vmid: int) -> Change:
    """Take the request apart and check what needs no configuration; 400 names each bad parameter."""
    params = call.params
    if params.get("skiplock") and call.identity != "root@pam":
        raise ParameterError({"skiplock": "Only root may use this option."})
    values = {key: str(value) for key, value in params.items() if key not in _CONTROL}
    if "cdrom" in values:
        values["ide2"] = values.pop("cdrom")
    change = Change(values, {}, _names(params.get("delete")), _names(params.get("revert")), bool(params.get("force")),
                    params.get("digest"), params.get("pool"))
    _check_names(call, change)
    _normalise(change)
    keys = [*change.delete, *change.revert, *change.values]
    options.check_privileges(call, vmid, keys, change.pool)
    disks.check_access(call, vmid, change.drives, change.pool)
    _check_devices(call, vmid, change)
    return change


def _names(value: str | None) -> list[str]:
    return ["ide2" if name == "cdrom" else name for name in re.split(r"[\s,;\0]+", value or "") if name]


def _check_names(call: Call, change: Change) -> None:
    for option, names in (("revert", change.revert), ("delete", change.delete)):
        for name in names:
            if name in change.values:
                # said so, with one quotation mark missing, about the parameter `delete` in both cases
                raise ParameterError({"delete": f"you can't use '-{name}' and -{option} {name}' at the same time"})
            if option == "delete" and name in change.revert:
                raise ParameterError({"revert": f"you can't use '-delete {name}' and -revert {name}' at the same time"})
            if not _known(call, name):
                raise ParameterError({option: f"unknown option '{name}'"})


def _known(call: Call, name: str) -> bool:
    """Is it an option of a virtual machine? The parameters of the operation itself say so."""
    if name in _CONTROL:
        return False
    operation = call.world.schema.operations[("PUT", "/nodes/{node}/qemu/{vmid}/config")]
    return property_schema(operation.parameters["properties"], name) is not None


def _normalise(change: Change) -> None:
    """Values as they are stored: addresses given, drives and networks in order, secrets hashed."""
    for key, value in change.values.items():
        if drives.is_drive(key):
            try:
                change.drives[key] = drives.parse(key, value)
            except ValueError as error:
                raise ParameterError({key: "unable to parse drive options"}) from error
            change.values[key] = change.drives[key].show()
        elif nets.is_net(key):
            change.values[key] = nets.with_mac(value)
        elif key == "tags":
            change.values[key] = ";".join(sorted({tag.lower() for tag in re.split(r"[\s,;]+", value) if tag}))
        elif key == "description":
            change.values[key] = value.rstrip("\n")
        elif key == "cipassword":
            change.values[key] = cloudinit.hashed(value)
        elif key == "vmgenid" and value == "1":
            change.values[key] = new_uuid()
        elif key == "sshkeys" and not cloudinit.valid_keys(value):
            raise died("SSH public key validation error")


def _check_devices(call: Call, vmid: int, change: Change) -> None:
    for key, value in change.values.items():
        if nets.is_net(key):
            bridges.check_use(call, nets.parse(value))
        elif re.fullmatch(r"serial\d+", key):
            if value != "socket" and call.identity != "root@pam":
                raise died(f"only root can set '{key}' config for real devices")
            options.require_on_vm(call, vmid, change.pool, ("VM.Config.HWType",))
        elif re.fullmatch(r"(usb|hostpci)\d+", key) and call.identity != "root@pam" and not value.startswith("spice"):
            raise died(f"only root can set '{key}' config for real devices")


async def apply(world: World, vmid: int, node: str, change: Change, log: Callable[[str], None],
                warn: Callable[[str], None]) -> None:
    """The worker's part. 400 when something could not be hot-plugged."""
    async with world.locks.config(vmid):
        guest = load(world, vmid, node)
        guest.check_digest(change.digest)
        guest.check_lock()
        await guest.is_running()
        world.check_quorum()
        check_balloon(guest, change)
        await world.clock.sleep(world.profile.configure)
        log(f"update VM {vmid}: {' '.join(_shown(change))}".rstrip())
        await _delete(guest, change, warn)
        await _set(guest, change, log)
        for key in change.revert:
            await _drop_pending(guest, key)
            guest.pending_delete.pop(key, None)
        _clean(guest)
        await _settle(guest)
        guest.save()


def _shown(change: Change) -> list[str]:
    """The parameters as the task's log shows them."""
    parts = [f"-{key} {'<hidden>' if key == 'cipassword' else value}" for key, value in sorted(change.values.items())]
    if change.delete:
        parts.append(f"-delete {','.join(change.delete)}")
    return parts


def check_balloon(guest: Guest, change: Change) -> None:
    """Checked at once, and again in the worker."""
    if not {"memory", "balloon"} & set(change.values):
        return
    wanted = {**guest.merged(), **change.values}
    if int(wanted.get("balloon", 0)) > spec.memory_of(wanted):
        raise died("balloon value too large (must be smaller than assigned memory)")


async def _delete(guest: Guest, change: Change, warn: Callable[[str], None]) -> None:
    for key in change.delete:
        if key not in guest.config and key not in guest.pending:
            warn(f"cannot delete '{key}' - not set in current configuration!")
            continue
        if drives.is_unused(key):
            await allocation.free(guest.world, guest.node, guest.config.pop(key))
            continue
        if drives.is_drive(key) and guest.config.get("protection") == "1":
            raise died(f"can't remove drive '{key}' - protection mode enabled")
        await _drop_pending(guest, key)
        if key in guest.config:
            guest.pending_delete[key] = int(change.force)


async def _set(guest: Guest, change: Change, log: Callable[[str], None]) -> None:
    for key, value in change.values.items():
        if guest.pending.get(key) == value:
            continue
        if key in change.drives:
            await _drop_pending(guest, key)
            present = {**guest.merged()}
            present.pop(key, None)
            made = await disks.make(guest.world, guest.node, guest.vmid, {key: change.drives[key]}, present, log)
            value = made[key]
            if str(guest.config.get("boot", "")) == "" and key == spec.boot_disk({**guest.merged(), key: value}):
                guest.pending.pop("boot", None)
        elif key == "boot":
            _check_boot(value, {**guest.merged(), **change.values})
        guest.pending[key] = value
        guest.pending_delete.pop(key, None)
        guest.save()


def _check_boot(value: str, wanted: dict[str, str]) -> None:
    order = re.search(r"(?:^|,)order=([^,]*)", value)
    for device in filter(None, re.split(r"[;\s]+", order[1] if order else "")):
        if device not in wanted:
            raise died(f"invalid bootorder: device '{device}' does not exist'")


async def _drop_pending(guest: Guest, key: str) -> None:
    """Take a pending value back; a volume made for it stays as unused."""
    value = guest.pending.pop(key, None)
    if value is not None and drives.is_drive(key):
        drive = drives.parse(key, value)
        if key not in guest.config or drives.parse(key, guest.config[key]).file != drive.file:
            await disks.dispose(guest.world, guest.node, guest.vmid, guest.config, drive, force=False)


def _clean(guest: Guest) -> None:
    """Pending values that change nothing are dropped."""
    for key in [key for key, value in guest.pending.items() if guest.config.get(key) == value]:
        del guest.pending[key]
    for key in [key for key in guest.pending_delete if key not in guest.config]:
        del guest.pending_delete[key]


async def _settle(guest: Guest) -> None:
    """Apply what can be applied now: everything when the machine is off."""
    errors: dict[str, str] = {}
    for key in list(guest.pending_delete):
        if not guest.running or options.applies_while_running(key, guest.config.get(key), None, guest.config):
            await _try(guest, key, errors)
    for key in list(guest.pending):
        old, new = guest.config.get(key), guest.pending[key]
        if not guest.running or options.applies_while_running(key, old, new, guest.config):
            await _try(guest, key, errors)
    if errors:
        guest.save()
        raise ParameterError(errors)


async def _try(guest: Guest, key: str, errors: dict[str, str]) -> None:
    try:
        await settle_key(guest, key)
    except ApiError as error:
        errors[key] = f"hotplug problem - {error}"


async def settle_key(guest: Guest, key: str) -> None:
    """Make one pending change current."""
    old = guest.config.get(key)
    force = bool(guest.pending_delete.pop(key, 0))
    new = guest.pending.pop(key, None)
    if new is None:
        guest.config.pop(key, None)
    else:
        guest.config[key] = new
    if old is not None and drives.is_drive(key):
        before = drives.parse(key, old)
        if new is None or drives.parse(key, new).file != before.file:
            await disks.dispose(guest.world, guest.node, guest.vmid, guest.config, before, force)
    if new is not None and drives.is_drive(key):
        _no_longer_unused(guest, drives.parse(key, new).file)


def _no_longer_unused(guest: Guest, volid: str) -> None:
    for key, unused in drives.unused_volumes(guest.config).items():
        if unused == volid:
            del guest.config[key]


async def settle_all(guest: Guest) -> None:
    """All pending changes, as a machine that is powered on takes them over."""
    for key in [*guest.pending_delete, *guest.pending]:
        await settle_key(guest, key)
