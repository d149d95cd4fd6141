"""`status`: what of a lab is there, its systems and addresses."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from lab.cli import facts
from lab.cli.places import Places, known_labs
from lab.cli.systems import systems
from lab.nodes import agent, namespace
from lab.nodes.container import Container


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """0 when the lab is up, 3 when it is not (as service managers have it)."""
    places = Places.of(options.name)
    known = facts.load(places.facts)
    if known is None:
        others = ", ".join(name for name in known_labs() if name != places.name)
        print(f"lab {places.name} is not there" + (f"; there is: {others}" if others else ""))
        return 3
    status = {
        "name": places.name,
        "network": namespace.exists(places.namespace),
        "processes": {name: process.alive() for name, process in known.processes.items()},
        "proxmox": {"node": known.node, "address": known.address},
        "systems": asyncio.run(_systems(places)),
    }
    up = bool(status["network"]) and all(process.alive() for process in known.processes.values())
    print(json.dumps(status, indent=1) if options.json else _text(status, places, up))
    return 0 if up else 3


async def _systems(places: Places) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_system(container) for container in systems(places))))


async def _system(container: Container) -> dict[str, Any]:
    spec = container.folder / "spec.json"
    name = json.loads(spec.read_text())["name"] if spec.exists() else container.folder.name
    state = "running" if container.running() or (container.folder / "blank").exists() else "stopped"
    addresses = await _addresses(container.folder / "agent/agent.sock") if state == "running" else []
    return {"id": container.folder.name, "name": name, "state": state, "addresses": addresses}


async def _addresses(socket: Path) -> list[str]:
    """What the guest's own agent says; nothing when it has none."""
    if not socket.exists():
        return []
    try:
        cards: Any = await agent.ask(socket, "guest-network-get-interfaces", timeout=10)
    except (agent.AgentNotAnswering, agent.AgentRefused):
        return []
    found = (item["ip-address"] for card in cards if card["name"] != "lo" for item in card.get("ip-addresses", ()))
    return [address for address in found if not address.startswith("fe80:")]


def _text(status: dict[str, Any], places: Places, up: bool) -> str:
    lines = [
        f"lab {places.name}: {'up' if up else 'not up'}, in {places.folder}",
        f"  network namespace {places.namespace}: {'there' if status['network'] else 'gone'}",
    ]
    lines += [f"  {name}: {'runs' if alive else 'has ended'}" for name, alive in status["processes"].items()]
    for system in status["systems"]:
        address = status["proxmox"]["address"] if system["id"] == "host" else " ".join(system["addresses"])
        name = status["proxmox"]["node"] if system["id"] == "host" else system["name"]
        lines.append(f"  {system['id']:>6}  {name:<20} {system['state']:<8} {address}")
    return "\n".join(lines)
