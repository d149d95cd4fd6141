"""Property strings of stored configurations, which are known to be valid: `enabled=1,type=virtio` and the like.

Requests are checked by the schema's formats (lab.pve.schema.property_string); here no format is needed to read or
merge what is already there.
"""

from __future__ import annotations

from lab.pve.schema.property_string import parse_size
from lab.pve.schema.property_string import render_size as show_size

__all__ = ["merge", "parse", "parse_size", "show", "show_size", "truth"]


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
