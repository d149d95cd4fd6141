# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology page: one HTML file with inline SVG, readable in light and dark, that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._topology import Card, HostDrawing, draw_hosts

BUS_COLOURS = 6
"""Bridges beyond this many share colours; their names still tell them apart."""

# A state is told by sign and word, never by colour alone.
STATE_SIGNS = {"running": "●", "started": "●", "planned": "○", "stopped": "■", "missing": "✕"}

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--box:#fff;--ink:#1b2430;--soft:#566373;--line:#ccd3dc;
--n0:#0b6bcb;--n1:#b3470c;--n2:#15803d;--n3:#7c3aed;--n4:#be123c;--n5:#0f766e;
--good:#15803d;--wait:#8a5a00;--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--box:#1b2129;--ink:#e8ecf1;--soft:#a3afbd;--line:#38424f;
--n0:#6db3ff;--n1:#ffa066;--n2:#6bd48f;--n3:#b79bff;--n4:#ff8fa3;--n5:#5fd0c4;
--good:#6bd48f;--wait:#f0c060;--bad:#ff8f8f}}
*{box-sizing:border-box}body{margin:0;padding:24px;background:var(--bg);color:var(--ink);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK TC",sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}p{margin:4px 0;color:var(--soft)}
.hosts{display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start}
figure{margin:0;padding:14px;background:var(--box);border:1px solid var(--line);border-radius:10px;max-width:100%}
figcaption{font-weight:600;margin-bottom:8px}figcaption span{font-weight:400;color:var(--soft)}
svg{max-width:100%;height:auto;display:block}svg text{fill:var(--ink);font-size:12.5px}
svg .soft{fill:var(--soft);font-size:11.5px}svg .name{font-size:15px;font-weight:600}svg .busname{font-size:11px}
svg rect.card{fill:var(--bg);stroke:var(--line)}svg rect.master{stroke:var(--n0);stroke-width:1.6}
td svg{display:inline;margin-right:4px}table{border-collapse:collapse;background:var(--box)}
th,td{border:1px solid var(--line);padding:4px 10px;text-align:left}
th{color:var(--soft);font-weight:600}.scroll{overflow-x:auto}
.running,.started{color:var(--good);fill:var(--good)!important}.planned{color:var(--wait);fill:var(--wait)!important}
.stopped,.missing,.unknown{color:var(--bad);fill:var(--bad)!important}
""" + "".join(
    f".b{index}{{stroke:var(--n{index})}}.d{index}{{fill:var(--n{index})!important}}" for index in range(BUS_COLOURS)
)


def render_topology_page(site: Mapping[str, Any], guests: Sequence[Mapping[str, Any]]) -> str:
    """The whole page.

    ``site`` takes ``site_name``, ``proxmox_hosts``, ``networks`` (a map of bridges), ``vip``, ``ingress_address``,
    ``proven`` (how the states were had, one sentence) and ``survives`` (one sentence); every key may be absent.
    ``guests`` have the shape of the host variables, plus ``name`` and ``state``.
    """
    networks = site.get("networks") or {}
    order = list(dict.fromkeys(_bridge_of(name, network) for name, network in networks.items()))
    hosts = draw_hosts(site.get("proxmox_hosts") or [], guests, order)
    colours = _colours(order, hosts)
    name = escape(str(site.get("site_name") or "site"))
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{name}: topology</title><style>{STYLE}</style></head><body>",
        f"<h1>{name}</h1>",
        *(f"<p>{escape(str(site[key]))}</p>" for key in ("proven", "survives") if site.get(key)),
        '<h2>Hosts and guests</h2><div class="hosts">',
        *(_host_figure(host, colours) for host in hosts),
        "</div>",
        _networks_table(networks, colours),
        _addresses_table(site),
        _guests_table(guests),
        "</body></html>\n",
    ]
    return "".join(parts)


def _colours(order: Sequence[str], hosts: Sequence[HostDrawing]) -> dict[str, int]:
    """The same colour for the same bridge on every host."""
    names = list(order)
    for host in hosts:
        names.extend(bridge for bridge in host.bridges if bridge not in names)
    return {name: index % BUS_COLOURS for index, name in enumerate(names)}


def _host_figure(host: HostDrawing, colours: Mapping[str, int]) -> str:
    label_height = 22
    height = host.height + label_height
    parts = [
        f"<figure><figcaption>{escape(host.name)} <span>{escape(host.address)}</span></figcaption>",
        f'<svg role="img" viewBox="0 0 {host.width} {height}" width="{host.width}" height="{height}" '
        f'aria-label="Guests on {escape(host.name, quote=True)}">',
    ]
    for index, bridge in enumerate(host.bridges):
        x, colour = host.bus_x(index), colours[bridge]
        parts.append(
            f'<text class="busname d{colour}" x="{x}" y="14" text-anchor="middle">{escape(bridge)}</text>'
            f'<line class="b{colour}" x1="{x}" y1="{label_height}" x2="{x}" y2="{height - 6}" stroke-width="4" '
            'stroke-linecap="round"/>'
        )
    parts.append(f'<g transform="translate(0,{label_height - 8})">')
    parts.extend(_card(host, card, colours) for card in host.cards)
    if not host.cards:
        parts.append(f'<text class="soft" x="{host.card_x}" y="40">no guest of this site</text>')
    parts.append("</g></svg></figure>")
    return "".join(parts)


def _card(host: HostDrawing, card: Card, colours: Mapping[str, int]) -> str:
    x = host.card_x
    width = host.width - x - 4
    kind = " master" if card.role == "control_plane" else ""
    parts = [
        f'<rect class="card{kind}" x="{x}" y="{card.y}" width="{width}" height="{card.height}" rx="7"/>',
        f'<text class="name" x="{x + 12}" y="{card.y + 20}">{escape(card.name)}</text>',
        f'<text class="{_state_class(card.state)}" x="{x + width - 12}" y="{card.y + 20}" text-anchor="end">'
        f"{escape(_state_text(card.state))}</text>",
        f'<text class="soft" x="{x + 12}" y="{card.y + 37}">{escape(card.subtitle)}</text>',
    ]
    for port in card.ports:
        y = port.y
        if port.bus >= 0:
            bus_x, colour = host.bus_x(port.bus), colours[port.bridge]
            parts.append(
                f'<line class="b{colour}" x1="{bus_x}" y1="{y}" x2="{x}" y2="{y}" stroke-width="1.6"/>'
                f'<circle class="d{colour}" cx="{bus_x}" cy="{y}" r="4.5"/>'
                f'<circle class="d{colour}" cx="{x}" cy="{y}" r="3"/>'
            )
        parts.append(f'<text x="{x + 12}" y="{y + 4}">{escape(port.text)}</text>')
    return "".join(parts)


def _state_text(state: str) -> str:
    return f"{STATE_SIGNS.get(state, '?')} {state}"


def _state_class(state: str) -> str:
    return state if state in STATE_SIGNS else "unknown"


def _bridge_of(name: str, network: Mapping[str, Any]) -> str:
    """A network is on the bridge of its own name unless it says otherwise."""
    return str(network.get("bridge") or name)


def _networks_table(networks: Mapping[str, Mapping[str, Any]], colours: Mapping[str, int]) -> str:
    rows = []
    for name, network in networks.items():
        bridge = _bridge_of(name, network)
        dot = f'<circle class="d{colours[bridge]}" cx="6" cy="6" r="5"/>'
        mark = f'<svg width="12" height="12" aria-hidden="true">{dot}</svg>'
        ranges = ", ".join(str(network[key]) for key in ("cidr", "cidr6") if network.get(key))
        others = (_text(network.get(key)) for key in ("gateway", "vlan_tag", "mtu"))
        rows.append([_text(name), mark + escape(bridge), escape(ranges), *others])
    return html_table("Networks", ["network", "bridge", "range", "gateway", "VLAN", "MTU"], rows)


def _addresses_table(site: Mapping[str, Any]) -> str:
    vip = site.get("vip") or {}
    rows = []
    if vip.get("address"):
        rows.append(["Kubernetes API (VIP)", _text(vip.get("name")), _text(vip["address"]), _text(vip.get("network"))])
    if site.get("ingress_address"):
        rows.append(["Ingress", "", _text(site["ingress_address"]), ""])
    return html_table("Shared addresses", ["what", "name", "address", "network"], rows)


def _guests_table(guests: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for guest in guests:
        addresses = [str(item) for nic in guest.get("networks") or [] for item in nic.get("addresses") or []]
        state = str(guest.get("state") or "unknown")
        rows.append(
            [
                _text(guest.get("name")),
                _text(guest.get("vm_id")),
                _text(guest.get("pve_node")),
                _text(", ".join(addresses)),
                f'<span class="{_state_class(state)}">{escape(_state_text(state))}</span>',
            ]
        )
    return html_table("Guests", ["name", "id", "node", "addresses", "state"], rows)


def _text(value: Any) -> str:
    return "" if value is None else escape(str(value))


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """``rows`` hold HTML that is already escaped; a table without rows is left out."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<h2>{escape(title)}</h2><div class="scroll">{table}</div>'
