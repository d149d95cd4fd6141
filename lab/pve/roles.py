"""Privileges and built-in roles of Proxmox VE 9."""

from __future__ import annotations

# group -> (for root only, for admins, for users, for auditors)
_GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "VM": (
        (),
        ("VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType",
         "VM.Config.Options", "VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Snapshot", "VM.Snapshot.Rollback",
         "VM.Replicate", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileWrite", "VM.GuestAgent.FileSystemMgmt",
         "VM.GuestAgent.Unrestricted"),
        ("VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.Backup", "VM.PowerMgmt"),
        ("VM.Audit", "VM.GuestAgent.Audit"),
    ),
    "Sys": (
        ("Sys.PowerMgmt", "Sys.Modify", "Sys.Incoming", "Sys.AccessNetwork"),
        ("Sys.Console", "Sys.Syslog"), (), ("Sys.Audit",),
    ),
    "Datastore": ((), ("Datastore.Allocate", "Datastore.AllocateTemplate"), ("Datastore.AllocateSpace",),
                  ("Datastore.Audit",)),
    "SDN": ((), ("SDN.Allocate",), ("SDN.Use",), ("SDN.Audit",)),
    "User": (("Realm.Allocate",), ("User.Modify", "Group.Allocate", "Realm.AllocateUser"), (), ()),
    "Pool": ((), ("Pool.Allocate",), (), ("Pool.Audit",)),
    "Mapping": ((), ("Mapping.Modify",), ("Mapping.Use",), ("Mapping.Audit",)),
}

PRIVILEGES: tuple[str, ...] = tuple(sorted(
    {name for levels in _GROUPS.values() for level in levels for name in level} | {"Permissions.Modify"}))


def _built_in() -> dict[str, tuple[str, ...]]:
    roles: dict[str, set[str]] = {"NoAccess": set(), "Administrator": set(PRIVILEGES), "PVEAdmin": set(),
                                  "PVEAuditor": set(), "PVETemplateUser": {"VM.Clone", "VM.Audit"}}
    for group, (_root, admin, user, audit) in _GROUPS.items():
        roles["PVEAdmin"] |= {*admin, *user, *audit}
        roles["PVEAuditor"] |= set(audit)
        roles[f"PVE{group}Admin"] = {*admin, *user, *audit}
        if user or group == "Pool":
            roles[f"PVE{group}User"] = {*user, *audit}
        if group == "Mapping":
            roles["PVEMappingAuditor"] = set(audit)
    return {name: tuple(sorted(privileges)) for name, privileges in sorted(roles.items())}


BUILT_IN: dict[str, tuple[str, ...]] = _built_in()
