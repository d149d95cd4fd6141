# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a cluster as one HTML file, in the look of the topology page, that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._machine_report import MISS, OK, UNVERIFIED
from ansible_collections.detectviz.infra.plugins.module_utils._topology_page import STYLE, html_table

# A verdict is told by sign and word, never by colour alone; the classes are those of the states of guests.
VERDICTS = {OK: ("●", "running"), MISS: ("✕", "missing"), UNVERIFIED: ("○", "planned")}


def render_cluster_page(
    title: str, nodes: Sequence[Mapping[str, Any]], cluster: Mapping[str, Any] | None, report: Mapping[str, Any], now: str
) -> str:
    """``nodes`` and ``report`` are those of ``_cluster_report``, ``cluster`` is of ``cluster_info`` or None."""
    counts = [f"{len(report['rows'])} checks", f"{len(report['misses'])} missed"]
    counts.append(f"{len(report['unverified'])} not verified here")
    stand_ins = sorted({node["standin"] for node in ((cluster or {}).get("nodes") or {}).values() if node["standin"]})
    name = escape(title)
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{name}: cluster</title><style>{STYLE}</style></head><body>",
        f"<h1>{name}: Kubernetes</h1><p>{escape(now)} · {escape(', '.join(counts))}</p>",
        *(f"<p>{escape(text)}</p>" for text in stand_ins),
        _nodes(nodes, cluster or {}),
        _comparisons("Missed", report["misses"]),
        _comparisons("Not verified here", report["unverified"]),
        _comparisons("All comparisons", report["rows"]),
        "</body></html>\n",
    ]
    return "".join(parts)


def _nodes(nodes: Sequence[Mapping[str, Any]], cluster: Mapping[str, Any]) -> str:
    rows = []
    for node in nodes:
        found = (cluster.get("nodes") or {}).get(node["name"])
        ready = found is not None and found["conditions"].get("Ready") == "True"
        sign, kind = VERDICTS[OK if ready else MISS]
        state = "Ready" if ready else "not Ready" if found else "no node"
        rows.append(
            [
                escape(node["name"]),
                "control plane" if node["control_plane"] else "worker",
                f'<span class="{kind}">{sign} {state}</span>',
                *(escape(str((found or {}).get(key) or "")) for key in ("kubelet", "runtime")),
                escape(", ".join((found or {}).get("addresses") or [])),
                escape(", ".join((found or {}).get("taints") or [])),
            ]
        )
    return html_table("Nodes", ["name", "role", "state", "kubelet", "runtime", "address", "taints"], rows)


def _comparisons(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    cells = []
    for row in rows:
        sign, kind = VERDICTS[row["verdict"]]
        text = [escape(str(row[key])) for key in ("guest", "check", "expected", "found")]
        cells.append([*text, f'<span class="{kind}">{sign} {escape(row["verdict"])}</span>'])
    return html_table(title, ["subject", "check", "expected", "found", "verdict"], cells)
