# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that is to be made while the site has one of its name or address that is in no row: mostly a changed vm_id."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ansible_collections.detectviz.infra.plugins.module_utils._property_string import parse
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_observed import Observed


def same_name(new: Iterable[Guest], orphans: Iterable[Observed]) -> list[str]:
    """One problem for each new guest whose name an orphan has. The list is enough for it."""
    named = {orphan.name: orphan for orphan in orphans if orphan.name}
    return [
        f"{guest.label}: {_who(named[guest.name])}, has the name already{_way_out(named[guest.name])}"
        for guest in new
        if guest.name in named
    ]


def same_address(new: Iterable[Guest], orphans: Iterable[Observed]) -> list[str]:
    """One problem for each address of a new guest that an orphan has. Orphans come with their configuration."""
    holders = {address: orphan for orphan in orphans for address in _addresses(orphan.config or {})}
    return [
        f"{guest.label}: {address} is the address of {_who(holders[address])}{_way_out(holders[address])}"
        for guest in new
        for address in (str(ipaddress.ip_address(text)) for text in guest.static_addresses)
        if address in holders
    ]


def _addresses(config: dict[str, str]) -> list[str]:
    """Static addresses without prefix of all cards, as this collection writes them."""
    cards = [parse(value) for key, value in config.items() if key.startswith("ipconfig")]
    values = [card[key] for card in cards for key in ("ip", "ip6") if key in card]
    return [value.split("/")[0] for value in values if "/" in value]


def _who(orphan: Observed) -> str:
    state = "runs" if orphan.running else f"is {orphan.status}"
    return f"{orphan.name or 'guest'} ({orphan.vm_id}) on {orphan.node}, which this site owns and which {state}"


def _way_out(orphan: Observed) -> str:
    return f": keep vm_id {orphan.vm_id} in the table, or destroy {orphan.vm_id} first (detectviz.infra.reset)"
