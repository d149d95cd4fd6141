# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of guests may hold, key by key: its shape, and words that Proxmox would refuse or that would mean more.

Many values end up in Proxmox's comma lists (``virtio,bridge=vmbr0``) or in the lists of tags and marker words, so a
comma, a blank or a line break in one of them would change the meaning of the whole.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _vm_ownership as marks

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+\-]*")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+\-]*(/[A-Za-z0-9_][A-Za-z0-9_.+\-]*)*")
_LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,31}\$?")
_DOMAIN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_\-.]*[A-Za-z0-9])?")
_SNIPPET = re.compile(r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]:snippets/[A-Za-z0-9_][A-Za-z0-9_.+\-]*")
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}")
_FLAGS = ("0", "1", "on", "off", "yes", "no", "true", "false", "")

_WORDS = ("pve_node", "cpu_type", "machine", "bios", "scsi_controller", "vga", "arch", "storage", "kind")
_SWITCHES = ("on_boot", "protection", "upgrade", "agent", "serial", "full")


def site_problem(name: str) -> str | None:
    """What is wrong with the name of a site, or None. It becomes a tag, a word of a line, and a folder."""
    if _SITE.fullmatch(name):
        return None
    return f"site_name {name!r} is not 1 to 40 letters, digits, '-', '_' or '.', beginning with a letter or digit"


def row_problems(row: dict[str, Any]) -> list[str]:
    """Everything in the row that no guest can have."""
    problems: list[str] = []
    for key in _WORDS:
        _each(problems, key, row.get(key), _is_word, "one word of letters, digits, '_', '.', '+' and '-'")
    _each(problems, "pool", row.get("pool"), lambda text: bool(_PATH.fullmatch(text)), "the name of a pool")
    _each(problems, "user", row.get("user"), lambda text: bool(_LOGIN.fullmatch(text)), "a login name")
    _each(
        problems, "vendor_snippet", row.get("vendor_snippet"), _is_snippet, "a volume such as local:snippets/agent.yml"
    )
    for key in _SWITCHES:
        _each(problems, key, row.get(key), _is_flag, "yes or no")
    for key in ("name", "description", "node_role"):
        if isinstance(row.get(key), (dict, list)):
            problems.append(f"{key} {row[key]!r} is not text")
    _texts(problems, "nameservers", row.get("nameservers"), _is_address, "the address of a name server")
    _texts(problems, "search_domains", row.get("search_domains"), _is_domain, "a domain")
    _texts(problems, "ssh_keys", row.get("ssh_keys"), lambda text: True, "a public key", split=str.splitlines)
    _texts(problems, "tags", row.get("tags"), lambda text: True, "a tag")
    problems += _template(row.get("template")) + _startup(row.get("startup"))
    for key in ("disks", "networks"):
        if row.get(key) and not (isinstance(row[key], list) and all(isinstance(item, dict) for item in row[key])):
            problems.append(f"{key} is not a list of maps")
        else:
            problems += _entries(key, row.get(key) or [])
    return problems


def marker_problems(tags: tuple[str, ...] | None, description: str | None) -> list[str]:
    """Tags and descriptions may not say what only we may say: whose a guest is."""
    problems = [
        f"tag {tag!r} is one of those by which this collection knows its guests; take another" for tag in tags or () if
        marks.is_own_tag(tag)
    ]
    if marks.read_marker(description):
        problems.append(
            "description has a line 'detectviz.infra: …=…', by which this collection knows its guests; change it"
        )
    return problems


def _entries(key: str, entries: list[dict[str, Any]]) -> list[str]:
    problems: list[str] = []
    for number, entry in enumerate(entries):
        where = f"{key}[{number}]"
        for name in ("storage", "bridge"):
            _each(problems, f"{where}: {name}", entry.get(name), _is_word, "one word")
        for name in ("name", "mac"):
            _each(problems, f"{where}: {name}", entry.get(name), lambda text: True, "text")
        for name in ("ssd", "iothread", "backup", "firewall"):
            _each(problems, f"{where}: {name}", entry.get(name), _is_flag, "yes or no")
        if re.fullmatch(r"[0-9A-Fa-f][13579BDFbdf]:.*", str(entry.get("mac") or "")):
            problems.append(
                f"{where}: mac {entry['mac']!r} is a group address; the second digit of a card's own is even"
            )
        for name in ("addresses", "gateway", "gateway6"):
            _texts(problems, f"{where}: {name}", entry.get(name), lambda text: True, "an address")
    return problems


def _template(value: Any) -> list[str]:
    values = list(value.values()) if isinstance(value, dict) else [value]
    right = (int, str, type(None))
    wrong = [item for item in values if isinstance(item, bool) or not isinstance(item, right)]
    return [f"template {item!r} is not a name, an id, or a map of these per node" for item in wrong]


def _startup(value: Any) -> list[str]:
    if value in (None, ""):
        return []
    if isinstance(value, dict):
        value = ",".join(f"{key}={number}" for key, number in value.items())
    if re.fullmatch(r"\d+|(order|up|down)=\d+(,(order|up|down)=\d+)*", str(value)):
        return []
    return [f"startup {value!r} is not an order such as 1, or like order=1,up=30,down=60 (seconds)"]


def _each(problems: list[str], key: str, value: Any, right: Callable[[str], bool], expected: str) -> None:
    if value is None or value == "":
        return
    if isinstance(value, (dict, list)) or not right(str(value)):
        problems.append(f"{key} {value!r} is not {expected}")


def _texts(
    problems: list[str],
    key: str,
    value: Any,
    right: Callable[[str], bool],
    expected: str,
    split: Callable[[str], list[str]] = str.split,
) -> None:
    """A list of texts, or one text with several."""
    if value is None or value == "":
        return
    items = value if isinstance(value, list) else split(value) if isinstance(value, str) else None
    if items is None:
        problems.append(f"{key} {value!r} is not a list")
        return
    for item in items:
        if isinstance(item, (bool, dict, list)) or item is None or not right(str(item)):
            problems.append(f"{key}: {item!r} is not {expected}")


def _is_word(text: str) -> bool:
    return bool(_WORD.fullmatch(text))


def _is_snippet(text: str) -> bool:
    return bool(_SNIPPET.fullmatch(text))


def _is_domain(text: str) -> bool:
    return bool(_DOMAIN.fullmatch(text))


def _is_flag(text: str) -> bool:
    return text.strip().lower() in _FLAGS


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
