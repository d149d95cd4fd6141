# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected beside found: what the site says about a guest against what ``guest_probe`` saw in it.

Everything is compared, so that one run tells every miss.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

GIB = 1 << 30
OK, MISS, UNVERIFIED = "ok", "MISS", "not verified here"


@dataclass(frozen=True)
class Row:
    """One comparison. ``verdict`` is one of OK, MISS, UNVERIFIED."""

    guest: str
    check: str
    expected: str
    found: str
    verdict: str


def ping_targets(
    guest: Mapping[str, Any],
    guests: Sequence[Mapping[str, Any]],
    networks: Mapping[str, Any],
    hosts: Sequence[str] = (),
    count: int = 5,
) -> list[dict[str, Any]]:
    """What one guest pings: on each of its networks every other guest, the gateway, and the Proxmox hosts there.

    ``hosts`` are addresses of the Proxmox hosts; each is pinged over the network that it lies in. The result rows are
    the ``pings`` of ``guest_probe``; ``target`` is a name for people, and a gateway is ``optional``, as it may refuse
    to answer pings at all.
    """
    targets: dict[str, dict[str, Any]] = {}

    def add(address: str, mtu: Any, target: str, optional: bool = False) -> None:
        row = {"address": address, "mtu": int(mtu or 1500), "count": count, "target": target, "optional": optional}
        targets.setdefault(address, row)

    for nic in guest.get("networks") or []:
        site_network = networks.get(nic.get("bridge")) or {}
        mtu = nic.get("mtu") or site_network.get("mtu")
        for other in guests:
            if other["name"] == guest["name"]:
                continue
            for other_nic in other.get("networks") or []:
                if (other_nic.get("bridge"), other_nic.get("vlan_tag")) != (nic.get("bridge"), nic.get("vlan_tag")):
                    continue
                # The narrower of two cards bounds what can pass between them.
                both = min(int(mtu or 1500), int(other_nic.get("mtu") or site_network.get("mtu") or 1500))
                for address in _static_addresses(other_nic):
                    add(address.split("/")[0], both, str(other["name"]))
        ranges = [ipaddress.ip_interface(address).network for address in _static_addresses(nic)]
        for host in hosts:
            if any(ipaddress.ip_address(host) in network for network in ranges):
                add(host, mtu, "Proxmox host", optional=True)
        if nic.get("gateway"):
            add(str(nic["gateway"]), mtu, "gateway", optional=True)
    return list(targets.values())


def _static_addresses(nic: Mapping[str, Any]) -> list[str]:
    return [str(address) for address in nic.get("addresses") or [] if "." in str(address) or ":" in str(address)]


def build_report(
    guests: Sequence[Mapping[str, Any]], dns_records: Sequence[Mapping[str, Any]] = (), max_loss_percent: float = 0
) -> dict[str, Any]:
    """Compare all guests.

    Each guest has the shape of the host variables plus ``name``, ``probe`` (as ``guest_probe`` returns it, with the
    pings of :func:`ping_targets`; absent if the guest was not looked at) and ``reason`` (why it has no probe).
    Returns ``rows``, ``misses`` (rows that failed), ``unverified``, and ``text`` (a table that shows misses and, per
    guest, how many checks passed).
    """
    rows: list[Row] = []
    for guest in guests:
        if guest.get("probe"):
            rows.extend(_compare(guest, dns_records, max_loss_percent))
        else:
            rows.append(Row(guest["name"], "inspected", "running", str(guest.get("reason") or "no answer"), MISS))
    return {
        "rows": [asdict(row) for row in rows],
        "misses": [asdict(row) for row in rows if row.verdict == MISS],
        "unverified": [asdict(row) for row in rows if row.verdict == UNVERIFIED],
        "text": report_text(rows),
    }


def _compare(guest: Mapping[str, Any], dns_records: Sequence[Mapping[str, Any]], max_loss: float) -> Iterator[Row]:
    name, seen = guest["name"], guest["probe"]

    def row(check: str, expected: Any, found: Any, verdict: str | None = None) -> Row:
        return Row(name, check, str(expected), str(found), verdict or (OK if expected == found else MISS))

    yield row("host name", name, seen["hostname"].split(".")[0])
    yield row("cloud-init", "done", "; ".join([seen["cloud_init"]["status"], *seen["cloud_init"]["errors"]]))
    for index, nic in enumerate(guest.get("networks") or []):
        yield from _compare_nic(row, nic, index, seen["interfaces"])
    yield from _compare_disks(row, guest.get("disks") or [], seen)
    for record in dns_records:
        if record.get("type") in ("A", "AAAA"):
            yield from _compare_record(row, name, record, seen)
    for ping in seen["pings"]:
        yield _compare_ping(row, ping, max_loss)


def _compare_nic(row: Any, nic: Mapping[str, Any], index: int, interfaces: Mapping[str, Any]) -> Iterator[Row]:
    label = nic.get("name") or f"eth{index}"
    found = interfaces.get(label)
    for address in _static_addresses(nic):
        holders = [name for name, link in interfaces.items() if _same_interface(address, link["addresses"])]
        yield row(
            f"{label} address", address, address if holders else ", ".join((found or {}).get("addresses", [])) or "none"
        )
        if holders:
            # A renamed card is the same card: the address tells which one it is.
            found = interfaces[holders[0]]
    if not _static_addresses(nic):
        yield row(f"{label} address", "one by DHCP", "one by DHCP" if (found or {}).get("addresses") else "none")
    if nic.get("mtu"):
        yield row(f"{label} MTU", int(nic["mtu"]), (found or {}).get("mtu"))
    if nic.get("mac"):
        yield row(f"{label} MAC", str(nic["mac"]).lower(), str((found or {}).get("mac")).lower())


def _same_interface(wanted: str, held: Iterable[str]) -> bool:
    return ipaddress.ip_interface(wanted) in [ipaddress.ip_interface(item) for item in held]


def _compare_disks(row: Any, disks: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> Iterator[Row]:
    for index, disk in enumerate(disks):
        label = f"disk {disk.get('name') or index} (scsi{index})"
        expected = f"{disk['size_gb']} GiB"
        size = seen["disks"][index] if index < len(seen["disks"]) else None
        if seen["container"]:
            yield row(label, expected, "a container has no disks of its own", UNVERIFIED)
        else:
            yield row(label, expected, "absent" if size is None else f"{_trim(size / GIB)} GiB")


def _compare_record(row: Any, guest: str, record: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Row]:
    name, value = str(record["name"]).rstrip("."), str(record["value"])
    answer = seen["served"].get(name)
    if answer is not None:
        found = ", ".join(answer["addresses"]) or answer["error"] or "no address"
        yield row(f"DNS server: {name}", value, value if value in answer["addresses"] else found)
    if name.split(".", maxsplit=1)[0] == guest:
        # A guest's own name may lead to its loopback by /etc/hosts; what the server says is checked above.
        return
    resolved = seen["resolved"].get(name) or []
    yield row(f"resolver: {name}", value, value if value in resolved else ", ".join(resolved) or "not found")


def _compare_ping(row: Any, ping: Mapping[str, Any], max_loss: float) -> Row:
    label = f"{ping['mtu']} bytes to {ping['target']} {ping['address']}"
    expected = f"loss at most {_trim(max_loss)} %"
    if not ping["received"] and ping["small"]:
        return row(label, expected, "small packets pass, packets of this size do not: the path MTU is lower", MISS)
    if not ping["received"] and ping["optional"]:
        return row(label, expected, "answers no ping at all", UNVERIFIED)
    loss = 100.0 * (ping["sent"] - ping["received"]) / max(ping["sent"], 1)
    return row(label, expected, f"loss {_trim(loss)} %", OK if loss <= max_loss else MISS)


def _trim(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def report_text(rows: Sequence[Row]) -> str:
    """One line per guest with its counts, then every row that is not ok, as aligned columns."""
    text = summary_text(rows, "guest")
    details = [[row.guest, row.check, row.expected, row.found, row.verdict] for row in rows if row.verdict != OK]
    if details:
        text += "\n\n" + format_table([["guest", "check", "expected", "found", "verdict"], *details])
    return text


def summary_text(rows: Sequence[Row], head: str) -> str:
    """One line per guest, or whatever ``head`` calls them, with its counts."""
    summary = [[head, "checks", OK, MISS, UNVERIFIED]]
    for guest in dict.fromkeys(row.guest for row in rows):
        mine = [row.verdict for row in rows if row.guest == guest]
        summary.append([guest, str(len(mine)), *(str(mine.count(verdict)) for verdict in (OK, MISS, UNVERIFIED))])
    return format_table(summary)


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as aligned columns; the first row is the head."""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
