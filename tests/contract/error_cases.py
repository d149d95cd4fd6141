"""Refusals that clients of Proxmox VE look for, by the file of its source that says them.

`said_by` names the upstream file. `at` tells when it is said: in the answer, or as the end of the task that the answer
names: many checks run twice, and only the second time under the lock. Most are about the throwaway guest, on an emulator
and on a real host: in their texts {guest}, {vmid}, {node} and {storage} are filled in. The others have machines of the
emulated host: 9000 a template, 500 being cloned by someone, 501 off with a disk, 502 on with an agent that is not up,
503 protected, 504 under HA.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.contract.scratch import POOL

ONCE, TASK = "at once", "in the task"
QEMU = "/nodes/pve/qemu"
ZEROS = "0" * 40


@dataclass
class Case:
    """One request and its refusal. `fault` (action, rule) is set before it; a 400's text is that of its parameter."""

    said_by: str
    method: str
    path: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    at: str = ONCE
    status: int = 500
    fault: tuple[str, dict[str, Any]] | None = None
    emulator_only: str = ""  # why it is not for a real host
    needs: str = ""  # what the throwaway guest has to be or the token to have: disk, running, audits

    @property
    def name(self) -> str:
        return f"{self.said_by}: {self.text[:60]}"

    def filled(self, **places: Any) -> Case:
        """With the places in the path, the text and the options."""
        options = {key: value.format(**places) if isinstance(value, str) else value
                   for key, value in self.options.items()}
        return replace(self, path=self.path.format(**places), text=self.text.format(**places), options=options)


FAULT = "a fault is injected"
OTHERS = "it is about guests in states that no throwaway guest can be in"
SECOND = "it would make a second guest if it were not refused"
STORAGES = "it is about storages that a token of least privilege may not use"
HOSTS = "it would change the whole host if it were not refused"


def _config(said_by: str, text: str, at: str = ONCE, vmid: int | None = None, status: int = 500, fault: Any = None,
            only: str = "", needs: str = "", **options: Any) -> Case:
    """A change of a configuration: PUT answers at once, POST forks a task. `only`: why on the emulator alone."""
    method = "POST" if at == TASK else "PUT"
    only = only or (FAULT if fault else OTHERS if vmid else "")
    path = f"{QEMU}/{vmid or 501}/config" if only else "{guest}/config"
    return Case(said_by, method, path, text, options, at, status, fault, only, needs)


def _invalid(text: str, **options: Any) -> Case:
    return _config("pve-common JSONSchema.pm", text, status=400, **options)


LOCKED = "VM is locked (clone)"
CONFIG_LOCK = "can't lock file '/var/lock/qemu-server/lock-501.conf' - got timeout"
STORAGE_LOCK = "can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout"
_HOLD_CONFIG = ("lock_timeout", {"lock": "lock-501.conf"})
_HOLD_STORAGE = ("lock_timeout", {"lock": "pve-storage-local-lvm"})

PARAMETERS = [
    _invalid("bogus: property is not defined in schema and the schema does not allow additional properties", bogus=1),
    _invalid("cores: type check ('integer') failed - got 'many'", cores="many"),
    _invalid("cores: value must have a minimum value of 1", cores=0),
    _invalid("bios: value 'none' does not have a value in the enumeration 'seabios, ovmf'", bios="none"),
    _invalid("onboot: type check ('boolean') failed - got 'True'", onboot="True"),
    _invalid("digest: value may only be 40 characters long", digest=ZEROS + "0"),
    _invalid("name: invalid format - value does not look like a valid DNS name\n", name="under_score"),
    Case("pve-common JSONSchema.pm", "POST", "{guest}/clone",
         "newid: property is missing and it is not optional", {"pool": POOL}, status=400),
    Case("pve-manager API2/Cluster.pm", "GET", "/cluster/nextid", "vmid: VM {vmid} already exists", {"vmid": "{vmid}"},
         status=400),
    Case("pve-manager API2/Tasks.pm", "GET",
         "/nodes/{node}/tasks/UPID:{node}:00000001:00000001:6500ABCD:qmstart:1:root@pam:/status",
         "upid: no such task", status=400),
]
CONFIGURATIONS = [
    Case("pve-guest-common AbstractConfig.pm", "GET", "/nodes/{node}/qemu/999999998/config",
         "Configuration file 'nodes/{node}/qemu-server/999999998.conf' does not exist", needs="audits"),
    _config("pve-guest-common AbstractConfig.pm", LOCKED, vmid=500, cores=2),
    _config("pve-guest-common AbstractConfig.pm", CONFIG_LOCK, fault=_HOLD_CONFIG, cores=2),
    _config("pve-guest-common AbstractConfig.pm", CONFIG_LOCK, TASK, fault=_HOLD_CONFIG, cores=2),
    _config("pve-storage Storage/Plugin.pm", STORAGE_LOCK, TASK, fault=_HOLD_STORAGE, scsi5="local-lvm:1"),
    _config("qemu-server API2/Qemu.pm", "checksum mismatch (file change by other user?)", cores=2, digest=ZEROS),
    _config("qemu-server API2/Qemu.pm", "delete: unknown option 'nothing'", status=400, delete="nothing"),
    _config("qemu-server API2/Qemu.pm", "delete: you can't use '-cores' and -delete cores' at the same time",
            status=400, delete="cores", cores=1),
    _config("qemu-server API2/Qemu.pm", "SSH public key validation error", sshkeys="no%20key"),
    _config("qemu-server QemuServer.pm", f"scsi1: hotplug problem - {STORAGE_LOCK}", vmid=502, status=400,
            fault=_HOLD_STORAGE, delete="scsi1", force=1),
    _config("qemu-server API2/Qemu.pm", "delete: you can't use '-cores' and -revert cores' at the same time",
            status=400, revert="cores", cores=1),
    _config("qemu-server API2/Qemu.pm", "no options specified"),
    _config("qemu-server API2/Qemu.pm", "balloon value too large (must be smaller than assigned memory)",
            memory=512, balloon=1024),
    _config("pve-cluster Cluster.pm", "cluster not ready - no quorum?", fault=("no_quorum", {}), cores=2),
    _config("pve-storage Storage.pm", "storage 'nowhere' does not exist", only=STORAGES,
            scsi5="nowhere:1"),
    _config("pve-storage Storage.pm", "storage 'off' is disabled", TASK, only=STORAGES,
            scsi5="off:1"),
    _config("pve-storage Storage.pm", "storage 'elsewhere' is not available on node 'pve'", TASK, only=STORAGES,
            scsi5="elsewhere:1"),
    _config("qemu-server API2/Qemu.pm", "storage: storage 'local' does not support vm images", status=400,
            only=STORAGES, scsi5="local:1"),
    _config("pve-storage Storage.pm", "unsupported format 'qcow2'", TASK, only=STORAGES,
            scsi5="local-lvm:1,format=qcow2"),
    _config("pve-storage Storage/LvmThinPlugin.pm", "lvcreate 'pve/vm-501-disk-1' error:   Cannot create new "
            "thin volume, free space in thin pool pve/data reached threshold.", TASK, fault=("storage_full", {}),
            scsi5="local-lvm:1"),
    _config("qemu-server API2/Qemu.pm", "Only root can pass arbitrary filesystem paths.",
            needs="disk", scsi5="{storage}:0,import-from=/srv/image.raw"),
    Case("qemu-server API2/Qemu.pm", "PUT", "{guest}/resize", "disk 'scsi9' does not exist",
         {"disk": "scsi9", "size": "9G"}, TASK),
    Case("qemu-server API2/Qemu.pm", "PUT", "{guest}/resize", "checksum mismatch (file change by other user?)",
         {"disk": "scsi0", "size": "2G", "digest": ZEROS}, TASK, needs="disk"),
    Case("pve-guest-common AbstractConfig.pm", "PUT", f"{QEMU}/999/resize",
         "Configuration file 'nodes/pve/qemu-server/999.conf' does not exist", {"disk": "scsi0", "size": "9G"}, TASK,
         emulator_only=OTHERS),
    Case("qemu-server API2/Qemu.pm", "PUT", "{guest}/resize", "shrinking disks is not supported",
         {"disk": "scsi0", "size": "512M"}, TASK, needs="disk"),
]
LIFE = [
    Case("pve-guest-common AbstractConfig.pm", "POST", "{guest}/clone",
         "unable to create VM {vmid}: config file already exists", {"newid": "{vmid}"}),
    Case("qemu-server API2/Qemu.pm", "POST", "/nodes/{node}/qemu",
         "unable to create VM {vmid} - VM {vmid} already exists on node '{node}'", {"vmid": "{vmid}", "pool": POOL}),
    Case("qemu-server API2/Qemu.pm", "POST", QEMU,
         "unable to create VM 600 - VM 600 already exists on node 'pve'", {"vmid": 600},
         fault=("id_taken", {"vmid": 600}), emulator_only=FAULT),
    Case("qemu-server API2/Qemu.pm", "POST", f"{QEMU}/9000/clone", "parameter 'storage' not allowed for linked clones",
         {"newid": 600, "storage": "local-lvm"}, emulator_only=SECOND),
    Case("qemu-server API2/Qemu.pm", "POST", f"{QEMU}/9000/clone", "parameter 'format' not allowed for linked clones",
         {"newid": 600, "format": "raw"}, emulator_only=SECOND),
    Case("pve-storage Storage.pm", "POST", f"{QEMU}/501/clone", "storage 'nowhere' does not exist",
         {"newid": 600, "storage": "nowhere"}, emulator_only=SECOND),
    Case("pve-access-control AccessControl.pm", "POST", f"{QEMU}/9000/clone", "pool 'nobody' does not exist",
         {"newid": 600, "pool": "nobody"}, emulator_only=SECOND),
    Case("pve-cluster Cluster.pm", "POST", f"{QEMU}/9000/clone", "no such cluster node 'nowhere'",
         {"newid": 600, "target": "nowhere"}, emulator_only=SECOND),
    Case("qemu-server API2/Qemu.pm", "POST", f"{QEMU}/501/clone", "storage: storage 'local' does not support vm images",
         {"newid": 600, "storage": "local"}, status=400, emulator_only=SECOND),
    Case("qemu-server API2/Qemu.pm", "POST", f"{QEMU}/501/clone",
         "Linked clone feature is not supported for 'local-lvm:vm-501-disk-0' (scsi0)", {"newid": 600, "full": 0}, emulator_only=SECOND),
    Case("pve-common Network.pm", "GET", "/nodes/nowhere-dvz/qemu",
         "hostname lookup 'nowhere-dvz' failed - failed to get address info for: nowhere-dvz: Name or service not "
         "known"),
    Case("pve-guest-common AbstractConfig.pm", "POST", f"{QEMU}/500/status/start", LOCKED, {}, TASK, emulator_only=OTHERS),
    Case("qemu-server QemuServer.pm", "POST", "{guest}/status/start", "VM {vmid} already running", {}, TASK,
         needs="running"),
    Case("qemu-server QemuServer.pm", "POST", "{guest}/status/reboot", "VM {vmid} not running"),
    Case("qemu-server API2/Qemu.pm", "POST", "{guest}/template",
         "you can't convert a VM to template if VM is running", needs="running"),
    Case("qemu-server API2/Qemu.pm", "POST", f"{QEMU}/9000/template", "you can't convert a template to a template",
         emulator_only=OTHERS),
    Case("pve-guest-common AbstractConfig.pm", "DELETE", f"{QEMU}/500", LOCKED, {}, TASK, emulator_only=OTHERS),
    Case("qemu-server API2/Qemu.pm", "DELETE", "{guest}", "skiplock: Only root may use this option.",
         {"skiplock": 1}, status=400),
    Case("qemu-server API2/Qemu.pm", "DELETE", "{guest}", "VM {vmid} is running - destroy failed", needs="running"),
    Case("pve-guest-common AbstractConfig.pm", "DELETE", f"{QEMU}/503",
         "can't remove VM 503 - protection mode enabled", emulator_only=OTHERS),
    Case("qemu-server API2/Qemu.pm", "DELETE", f"{QEMU}/504",
         "unable to remove VM 504 - used in HA resources and purge parameter not set.", emulator_only=OTHERS),
    Case("qemu-server Agent.pm", "GET", f"{QEMU}/503/agent/info", "No QEMU guest agent configured",
         emulator_only=OTHERS),
    Case("qemu-server Agent.pm", "GET", "{guest}/agent/info", "VM {vmid} is not running"),
    Case("qemu-server Agent.pm", "GET", "{guest}/agent/info", "QEMU guest agent is not running", needs="running"),
]
HOST = [
    Case("pve-storage API2/Storage/Config.pm", "POST", "/storage",
         "create storage failed: storage ID 'off' already defined",
         {"storage": "off", "type": "dir", "path": "/srv/off"}, emulator_only=HOSTS),
    Case("pve-storage Storage/Plugin.pm", "POST", "/nodes/pve/storage/local-lvm/content",
         "illegal name 'disk-1' - should be 'vm-501-*'", {"filename": "disk-1", "vmid": 501, "size": "1G"},
         emulator_only=STORAGES),
    Case("pve-storage API2/Storage/Status.pm", "POST", "/nodes/pve/storage/local-lvm/download-url",
         "can't upload to storage type 'lvmthin', not a file based storage!",
         {"url": "http://127.0.0.1/x.qcow2", "content": "import", "filename": "x.qcow2"}, emulator_only=STORAGES),
    Case("pve-manager API2/Network.pm", "POST", "/nodes/pve/network", "iface: interface already exists",
         {"iface": "vmbr0", "type": "bridge"}, status=400, emulator_only=HOSTS),
    Case("pve-manager API2/Network.pm", "PUT", "/nodes/pve/network/vmbr9", "iface: interface does not exist",
         {"type": "bridge"}, status=400, emulator_only=HOSTS),
    Case("pve-access-control API2/Pool.pm", "POST", "/pools", "create pool failed: pool 'taken' already exists",
         {"poolid": "taken"}, emulator_only=HOSTS),
]
CASES = [*PARAMETERS, *CONFIGURATIONS, *LIFE, *HOST]

# A cluster of pve1 and pve2 with shared storage: 601 on pve1, with a disk on `ceph` and none elsewhere.
_PVE1 = "/nodes/pve1/qemu"
CLUSTER = [
    Case("qemu-server API2/Qemu.pm", "POST", f"{_PVE1}/601/clone", "can't clone to non-shared storage 'own'",
         {"newid": 602, "target": "pve2", "storage": "own"}),
    Case("pve-cluster Cluster.pm", "POST", f"{_PVE1}/601/config",
         "cfs-lock 'storage-ceph' error: got lock request timeout", {"scsi5": "ceph:1"}, TASK,
         fault=("lock_timeout", {"lock": "storage-ceph"})),
    Case("pve-cluster Cluster.pm", "GET", "/nodes/pve2/qemu/601/config",
         "Configuration file 'nodes/pve2/qemu-server/601.conf' does not exist"),
    Case("qemu-server API2/Qemu.pm", "POST", "/nodes/pve2/qemu",
         "unable to create VM 601 - VM 601 already exists on node 'pve1'",
         {"vmid": 601}),
    Case("qemu-server API2/Qemu.pm", "POST", f"{_PVE1}/601/migrate", "target: target is local node.",
         {"target": "pve1"}, status=400),
    Case("pve-cluster Cluster.pm", "POST", f"{_PVE1}/601/migrate", "no such cluster node 'pve9'", {"target": "pve9"}),
]
