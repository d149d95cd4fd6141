"""Comma strings such as `virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=9000`, by the format objects of the schema.

`parse` and `render` serve the check of parameters and whoever keeps configurations. A format object maps each key to
a schema; `default_key` may stand without its name; an `alias` with `keyAlias` gives two keys at once
(`virtio=MAC` is model=virtio, macaddr=MAC).
"""

from __future__ import annotations

import re
from typing import Any

Format = dict[str, dict[str, Any]]
_TRUE = {"1", "on", "yes", "true"}
_FALSE = {"0", "off", "no", "false"}


class PropertyStringError(ValueError):
    """The text of the first thing that is wrong with the string itself (not with a value)."""


def parse(text: str, fmt: Format) -> dict[str, str]:
    """Keys and values as strings; booleans become 1 or 0. Values are not checked (see validate.check_object)."""
    default = next((key for key, schema in fmt.items() if schema.get("default_key")), None)
    found: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals or not key:
            if key == "" and equals:
                raise PropertyStringError("missing key in comma-separated list property")
            if default is None:
                raise PropertyStringError("value without key, but schema does not define a default key")
            key, value = default, part
        _put(found, key.strip(), value, fmt)
    return found


def _put(found: dict[str, str], key: str, value: str, fmt: Format) -> None:
    schema = fmt.get(key)
    if schema is None:
        raise PropertyStringError(f"invalid key in comma-separated list property: {key}")
    if "alias" in schema:
        if "keyAlias" in schema:
            if schema["keyAlias"] in found:
                raise PropertyStringError(f"key alias '{schema['keyAlias']}' is already defined")
            found[schema["keyAlias"]] = key
        key = schema["alias"]
        schema = fmt[key]
    if key in found:
        raise PropertyStringError(f"duplicate key in comma-separated list property: {key}")
    found[key] = as_boolean(value) if schema.get("type") == "boolean" else value


def as_boolean(value: str) -> str:
    """Inside property strings on, yes and true are as good as 1; anything else is left for the check to refuse."""
    lowered = value.lower()
    if lowered in _TRUE:
        return "1"
    return "0" if lowered in _FALSE else value


def render(values: dict[str, Any], fmt: Format) -> str:
    """The string in the order of Proxmox VE: the default key, then required keys, then the others by name."""
    pairs = {key: value for key, value in values.items() if value is not None}
    parts = []
    joined = _joined_by_alias(pairs, fmt)
    if joined:
        model_key, value_key = joined
        parts.append(f"{pairs.pop(model_key)}={pairs.pop(value_key)}")
    default = next((key for key, schema in fmt.items() if schema.get("default_key")), None)
    if default in pairs:
        parts.append(str(pairs.pop(default)))
    required = sorted(key for key in pairs if not fmt.get(key, {}).get("optional"))
    optional = sorted(key for key in pairs if fmt.get(key, {}).get("optional"))
    for key in (*required, *optional):
        value = pairs[key]
        if fmt.get(key, {}).get("format") == "disk-size":
            value = render_size(parse_size(str(value)))
        parts.append(f"{key}={int(value) if isinstance(value, bool) else value}")
    return ",".join(parts)


def _joined_by_alias(pairs: dict[str, Any], fmt: Format) -> tuple[str, str] | None:
    """(key, aliased key) when one of them is printed as the name of the other."""
    for schema in fmt.values():
        if "keyAlias" in schema and schema["keyAlias"] in pairs and schema["alias"] in pairs:
            return schema["keyAlias"], schema["alias"]
    return None


_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT])?$")
_FACTORS = {None: 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def parse_size(text: str) -> int:
    """Bytes of a size such as 20G. ValueError when it is none."""
    found = _SIZE.match(text)
    if found is None:
        raise ValueError(f"'{text}' is not a size such as 20G")
    return int(float(found.group(1)) * _FACTORS[found.group(2)])


def render_size(size: int) -> str:
    """The shortest exact form: 20G, 4M, 528K, or plain bytes."""
    suffixes = ["", "K", "M", "G", "T"]
    index = 0
    while size and size % 1024 == 0 and index < len(suffixes) - 1:
        size //= 1024
        index += 1
    return f"{size}{suffixes[index]}"
