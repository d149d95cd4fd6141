# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the topology page shows, as plain data: hosts, their bridges and their guests, placed on a drawing.

Nothing here knows HTML; the drawing is made from this by ``_topology_page``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BUS_LEFT = 36
"""x of the first bridge line, in SVG user units (CSS pixels)."""
BUS_STEP = 44
CARD_WIDTH = 380
CARD_TOP = 16
"""Free space above the first card: the bridges start above it."""
CARD_GAP = 14
LINE_HEIGHT = 17
TITLE_HEIGHT = 44

UNPLACED = "(no host)"
"""Stands for the Proxmox host of a guest whose row names none."""


@dataclass(frozen=True)
class Port:
    """One network card of a guest: ``bus`` is the index of its bridge among the host's bridges."""

    bus: int
    bridge: str
    text: str
    y: int


@dataclass(frozen=True)
class Card:
    """One guest as drawn. ``state`` is a word such as ``running`` or ``planned``."""

    name: str
    subtitle: str
    state: str
    role: str
    y: int
    height: int
    ports: list[Port] = field(default_factory=list)


@dataclass(frozen=True)
class HostDrawing:
    """One Proxmox host: ``bridges`` are the names of its vertical lines from left to right."""

    name: str
    address: str
    bridges: list[str]
    cards: list[Card]
    width: int
    height: int

    def bus_x(self, bus: int) -> int:
        return BUS_LEFT + bus * BUS_STEP

    @property
    def card_x(self) -> int:
        return self.bus_x(max(len(self.bridges), 1)) - 8


def draw_hosts(
    hosts: Sequence[Mapping[str, Any]], guests: Sequence[Mapping[str, Any]], bridge_order: Sequence[str] = ()
) -> list[HostDrawing]:
    """Place every guest on its host.

    ``hosts`` are rows of ``proxmox_hosts`` (``name``, ``address``); a guest may name a host that is not among them, and
    gets a drawing of its own, so that nothing is left out of the page. ``guests`` have the shape of the host variables
    plus ``name`` and ``state``.
    """
    addresses = {str(host["name"]): str(host.get("address") or "") for host in hosts}
    placed: dict[str, list[Mapping[str, Any]]] = {name: [] for name in addresses}
    for guest in guests:
        placed.setdefault(str(guest.get("pve_node") or UNPLACED), []).append(guest)
    return [_draw_host(name, addresses.get(name, ""), rows, bridge_order) for name, rows in placed.items()]


def _draw_host(
    name: str, address: str, guests: Sequence[Mapping[str, Any]], bridge_order: Sequence[str]
) -> HostDrawing:
    bridges = _bridges(guests, bridge_order)
    cards = []
    y = CARD_TOP
    for guest in sorted(guests, key=_guest_order):
        card = _draw_card(guest, bridges, y)
        cards.append(card)
        y += card.height + CARD_GAP
    width = BUS_LEFT + max(len(bridges), 1) * BUS_STEP + CARD_WIDTH
    return HostDrawing(name, address, bridges, cards, width, max(y, CARD_TOP + TITLE_HEIGHT))


def _bridges(guests: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[str]:
    """Bridges used on one host: first in the order of the site's networks, the rest by name."""
    used = {str(nic.get("bridge")) for guest in guests for nic in guest.get("networks") or [] if nic.get("bridge")}
    known = [bridge for bridge in order if bridge in used]
    return known + sorted(used - set(known))


def _guest_order(guest: Mapping[str, Any]) -> tuple[int, str]:
    return (int(guest.get("vm_id") or 0), str(guest.get("name")))


def _draw_card(guest: Mapping[str, Any], bridges: Sequence[str], top: int) -> Card:
    first_port_y = top + TITLE_HEIGHT + LINE_HEIGHT // 2
    ports = []
    for index, nic in enumerate(guest.get("networks") or []):
        bridge = str(nic.get("bridge") or "")
        bus = bridges.index(bridge) if bridge in bridges else -1
        ports.append(Port(bus, bridge, _port_text(nic), first_port_y + index * LINE_HEIGHT))
    return Card(
        name=str(guest.get("name")),
        subtitle=_subtitle(guest),
        state=str(guest.get("state") or "unknown"),
        role=str(guest.get("node_role") or ""),
        y=top,
        height=TITLE_HEIGHT + max(len(ports), 1) * LINE_HEIGHT + 10,
        ports=ports,
    )


def _port_text(nic: Mapping[str, Any]) -> str:
    parts = [
        f"{nic.get('name') or 'nic'}  {', '.join(str(item) for item in nic.get('addresses') or []) or 'no address'}"
    ]
    if nic.get("vlan_tag"):
        parts.append(f"VLAN {nic['vlan_tag']}")
    if nic.get("mtu"):
        parts.append(f"MTU {nic['mtu']}")
    return " · ".join(parts)


def _subtitle(guest: Mapping[str, Any]) -> str:
    """``111 · control_plane · 4 CPU · 8 GiB · 100 GiB``; what the row does not say is left out."""
    parts = [str(guest["vm_id"])] if guest.get("vm_id") else []
    if guest.get("kind") and guest["kind"] != "vm":
        parts.append(str(guest["kind"]))
    if guest.get("node_role"):
        parts.append(str(guest["node_role"]))
    if guest.get("cores"):
        parts.append(f"{guest['cores']} CPU")
    if guest.get("memory_mb"):
        parts.append(f"{_number(int(guest['memory_mb']) / 1024)} GiB")
    disks = [disk["size_gb"] for disk in guest.get("disks") or [] if disk.get("size_gb")]
    if disks:
        parts.append(" + ".join(_number(float(size)) for size in disks) + " GiB disk")
    return " · ".join(parts)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
