# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxmox property strings (``virtio=BC:24:..,bridge=vmbr0``): parse, print, merge.

A property string is a list of ``key=value`` separated by commas. One key per option may be written bare (its default
key): ``host,flags=+aes`` is ``cputype=host,flags=+aes``. Proxmox replaces the whole string when it is sent and gives
it back in its own order, so strings are never compared: parsed maps are.
"""

from __future__ import annotations

import re

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

NET_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3")
_KEY = re.compile(r"^[A-Za-z0-9_\-]+$")
_TRUE = {"1", "on", "yes", "true"}
_FALSE = {"0", "off", "no", "false"}


class PropertyStringError(InfraError):
    """A text that is no property string of the expected kind."""


def parse(text: str, default_key: str | None = None) -> dict[str, str]:
    """Map of a property string, in its order. Raises PropertyStringError for a bare word without a default key."""
    result: dict[str, str] = {}
    for part in str(text).split(","):
        part = part.strip()
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals or not _KEY.match(key):
            if default_key is None or default_key in result:
                raise PropertyStringError(f"{text!r}: {part!r} is not key=value")
            key, value = default_key, part
        if key in result:
            raise PropertyStringError(f"{text!r}: {key!r} is given twice")
        result[key] = value
    return result


def render(values: dict[str, str], default_key: str | None = None) -> str:
    """The property string of a map, the default key first and bare."""
    parts = [values[default_key]] if default_key is not None and default_key in values else []
    parts += [f"{key}={value}" for key, value in values.items() if key != default_key]
    return ",".join(parts)


def parse_net(text: str) -> dict[str, str]:
    """Map of a netN value with ``model`` and, where given, ``macaddr`` (upper case)."""
    result: dict[str, str] = {}
    for key, value in parse(text, "model").items():
        if key in NET_MODELS:
            result["model"] = key
            result["macaddr"] = value.upper()
        else:
            result[key] = value.upper() if key == "macaddr" else value
    return result


def render_net(values: dict[str, str]) -> str:
    """netN value in Proxmox's own form, ``virtio=MAC,bridge=..``; without a MAC Proxmox makes a new one."""
    rest = {key: value for key, value in values.items() if key not in ("model", "macaddr")}
    model = values.get("model", "virtio")
    head = f"{model}={values['macaddr']}" if values.get("macaddr") else model
    return ",".join([head] + [f"{key}={value}" for key, value in rest.items()])


def merge(present: dict[str, str], wanted: dict[str, str | None]) -> dict[str, str]:
    """``present`` with the wanted sub-keys set, or removed where wanted is None; the others keep their values.

    A value that means the same (``on`` and ``1``) keeps the present spelling, so merging twice changes nothing.
    """
    result = dict(present)
    for key, value in wanted.items():
        if value is None:
            result.pop(key, None)
        elif key not in result or not same_value(result[key], value):
            result[key] = value
    return result


def same_value(one: str, other: str) -> bool:
    """Equal as Proxmox sees it: booleans in any spelling."""
    return canonical(one) == canonical(other)


def same(one: dict[str, str], other: dict[str, str]) -> bool:
    """Equal maps, whatever the order and the spelling of booleans."""
    return {key: canonical(value) for key, value in one.items()} == {
        key: canonical(value) for key, value in other.items()
    }


def canonical(value: str) -> str:
    """``1``/``0`` for any spelling of a boolean, else the text itself."""
    lowered = str(value).strip().lower()
    if lowered in _TRUE:
        return "1"
    if lowered in _FALSE:
        return "0"
    return str(value).strip()
