"""The figures as a Markdown table."""

from __future__ import annotations

import importlib.metadata
import json
import os
from dataclasses import dataclass
from pathlib import Path

import ansible_collections

from tests.bench.inventory import Loaded
from tests.bench.runs import Cost

# Of the wall time to the profile's own limit, at time scale 1.
GOAL = 1.3


@dataclass(frozen=True)
class Measured:
    """Costs by kind of run. `limit` is in seconds."""

    guests: int
    limit: float
    ours: dict[str, Cost]
    theirs: dict[str, Cost]


def markdown(measured: list[Measured], loaded: Loaded, profile: str, scale: float) -> str:
    """One row per figure; the last columns say how many times ours fits into theirs, and where the figure is from."""
    source = f"emulated, {profile}, scale {scale:g}"
    lines = [
        "| what | guests | detectviz.infra | community.proxmox | ratio | from |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for one in measured:
        for what, ours, theirs in _figures(one):
            ratio = f"{theirs / ours:.1f} x" if theirs is not None and ours else ""
            lines.append(f"| {what} | {one.guests} | {_show(ours)} | {_show(theirs)} | {ratio} | {source} |")
    lines.append(
        f"| inventory of {loaded.rows} rows: node table, and the equal static YAML, s | | {loaded.node_table:.1f} | "
        f"{loaded.static:.1f} (static) | {loaded.node_table / loaded.static:.2f} of static | measured, no Proxmox |"
    )
    return "\n".join([*lines, "", *_notes(profile, scale)])


def _figures(one: Measured) -> list[tuple[str, float, float | None]]:
    ours, theirs = one.ours["create"], one.theirs["create"]
    still, theirs_still = one.ours["no change"], one.theirs["no change"]
    fast = one.ours["verify fast"]
    return [
        ("create: requests", ours.requests, theirs.requests),
        ("create: polls of tasks among them", ours.polls, theirs.polls),
        ("create: probes of an agent that is not up yet among them", ours.failed_probes, None),
        ("create: all other requests, per guest", round(ours.work / one.guests, 1), round(theirs.work / one.guests, 1)),
        ("create: wall time, s", round(ours.seconds, 1), round(theirs.seconds, 1)),
        ("create: the profile's own limit, s", round(one.limit, 1), None),
        (f"create: wall time / limit (goal {GOAL} at scale 1)", round(ours.seconds / one.limit, 2),
         round(theirs.seconds / one.limit, 2)),
        ("no change: requests", still.requests, theirs_still.requests),
        ("no change: wall time, s", round(still.seconds, 1), round(theirs_still.seconds, 1)),
        ("no change: reported as changed", still.changed, theirs_still.changed),
        ("no change, verify fast: requests", fast.requests, None),
        ("no change, verify fast: wall time, s", round(fast.seconds, 1), None),
    ]  # fmt: skip


def _show(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _notes(profile: str, scale: float) -> list[str]:
    manifest = Path(next(iter(ansible_collections.__path__))) / "community" / "proxmox" / "MANIFEST.json"
    version = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    core = importlib.metadata.version("ansible-core")
    return [
        f"Emulated: profile {profile}, time scale {scale:g}, one node, simulated guests, {os.cpu_count()} CPUs (load "
        f"{os.getloadavg()[2]:.1f} over the last 15 minutes); community.proxmox {version}, ansible-core {core}. Never "
        "measured on a real Proxmox VE.",
        "Each guest is a linked clone with a grown system disk, a data disk and cloud-init data, and is started. Wall "
        "time is that of the whole ansible-playbook. Ours ends when the agent has shown the host key; that of "
        "community.proxmox ends with the start, since it cannot wait for the agent.",
        "The limit is what no client can go below: the holds of the storage's lock for every volume, one after the "
        "other, then the slowest boot.",
    ]
