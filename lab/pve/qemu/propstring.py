"""Property strings: `virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=9000` and the like, and sizes such as `20G`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def parse(text: str, default_key: str | None = None) -> dict[str, str]:
    """Split into keys and values; a part without `=` belongs to `default_key`. ValueError on a second bare part."""
    values: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.strip().partition("=")
        if not equals:
            if default_key is None or default_key in values:
                raise ValueError(f"value without key: {part!r}")
            key, value = default_key, part.strip()
        values[key] = value
    return values


def show(values: dict[str, str], default_key: str | None = None) -> str:
    """The text PVE writes: the default key's bare value first, then the other keys sorted."""
    first = [values[default_key]] if default_key and default_key in values else []
    rest = [f"{key}={values[key]}" for key in sorted(values) if key != default_key]
    return ",".join([*first, *rest])


def merge(text: str, changes: dict[str, str | None], default_key: str | None = None) -> str:
    """The property string with some keys set (or, at None, taken out) and the others kept."""
    values = parse(text, default_key)
    for key, value in changes.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
    return show(values, default_key)


def truth(value: object) -> bool:
    """A boolean inside a property string or configuration."""
    return str(value).lower() in ("1", "on", "yes", "true")


def parse_size(text: str) -> int:
    """`20G`, `1.5T`, `512` -> bytes. ValueError if it is no size."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    if not found:
        raise ValueError(f"not a size: {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


def show_size(size: int) -> str:
    """Bytes -> the shortest exact text, as PVE prints it: 20G, 3584M, 528K."""
    for unit in ("K", "M", "G", "T"):
        if size % 1024 or size == 0:
            return f"{size}{_previous(unit)}"
        size //= 1024
    return f"{size}T"


def _previous(unit: str) -> str:
    return {"K": "", "M": "K", "G": "M", "T": "G"}[unit]
