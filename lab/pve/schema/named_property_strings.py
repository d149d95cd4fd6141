"""Format objects that the schema only names. Written from the manual of Proxmox VE, reduced to their keys."""

from __future__ import annotations

from typing import Any


def _s(**more: Any) -> dict[str, Any]:
    return {"type": "string", "optional": 1, **more}


def _b() -> dict[str, Any]:
    return {"type": "boolean", "optional": 1}


def _i(**more: Any) -> dict[str, Any]:
    return {"type": "integer", "optional": 1, **more}


_LIMITS = {key: {"type": "number", "optional": 1, "minimum": 0} for key in
           ("bps", "bps_rd", "bps_wr", "mbps", "mbps_rd", "mbps_wr", "mbps_max", "mbps_rd_max", "mbps_wr_max", "iops",
            "iops_rd", "iops_wr", "iops_max", "iops_rd_max", "iops_wr_max")}
_DRIVE: dict[str, dict[str, Any]] = {
    "file": {"type": "string", "default_key": 1, "format": "pve-volume-id-or-qm-path"},
    "volume": {"alias": "file"},
    "aio": _s(enum=["native", "threads", "io_uring"]),
    "backup": _b(),
    "cache": _s(enum=["none", "writethrough", "writeback", "unsafe", "directsync"]),
    "detect_zeroes": _b(),
    "discard": _s(enum=["ignore", "on"]),
    "format": _s(enum=["raw", "qcow", "qed", "qcow2", "vmdk", "cloop"]),
    "import-from": _s(),
    "media": _s(enum=["cdrom", "disk"]),
    "replicate": _b(),
    "rerror": _s(enum=["ignore", "report", "stop"]),
    "serial": _s(format="urlencoded", maxLength=60),
    "shared": _b(),
    "size": _s(format="disk-size"),
    "snapshot": _b(),
    "werror": _s(enum=["enospc", "ignore", "report", "stop"]),
    **_LIMITS,
}

FORMATS: dict[str, dict[str, dict[str, Any]]] = {
    "pve-qm-ipconfig": {
        "ip": _s(format="pve-ipv4-config"), "gw": _s(format="ipv4", requires="ip"),
        "ip6": _s(format="pve-ipv6-config"), "gw6": _s(format="ipv6", requires="ip6"),
    },
    "pve-qm-ide": {**_DRIVE, "model": _s(format="urlencoded", maxLength=120), "ssd": _b(), "wwn": _s()},
    "pve-qm-boot": {
        "legacy": _s(default_key=1, pattern="[acdn]{1,4}"),
        "order": _s(format="pve-qm-bootdev-list"),
    },
    "pve-vm-cpu-conf": {
        "cputype": _s(default_key=1, pattern=r"[A-Za-z0-9.\-_]+"),
        "flags": _s(pattern=r"[+-][a-zA-Z0-9\-_.]+(;[+-][a-zA-Z0-9\-_.]+)*"),
        "hidden": _b(), "hv-vendor-id": _s(pattern="[a-zA-Z0-9]{1,12}"),
        "phys-bits": _s(pattern=r"host|\d+"), "guest-phys-bits": _i(minimum=32, maximum=64),
        "reported-model": _s(),
    },
    "pve-qm-smbios1": {
        "uuid": _s(pattern="[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"),
        **{key: _s(pattern="[A-Za-z0-9+/]+={0,2}") for key in
           ("version", "serial", "manufacturer", "product", "sku", "family")},
        "base64": _b(),
    },
    "pve-qm-cicustom": {key: _s(format="pve-volume-id") for key in ("meta", "network", "user", "vendor")},
    "pve-qm-rng": {
        "source": {"type": "string", "default_key": 1, "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"]},
        "max_bytes": _i(), "period": _i(),
    },
    "pve-qm-watchdog": {
        "model": _s(default_key=1, enum=["i6300esb", "ib700"]),
        "action": _s(enum=["reset", "shutdown", "poweroff", "pause", "debug", "none"]),
    },
}
