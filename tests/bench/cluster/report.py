"""The figures of the cluster as rows of a Markdown table."""

from __future__ import annotations

import importlib.metadata
import os
import statistics

from tests.bench.cluster.plain import Plain, per_guest
from tests.bench.cluster.start import Round
from tests.bench.cluster.still import Still

GOAL_START = 1.5
GOAL_EXECUTIONS = 40


def markdown(rows: list[str]) -> str:
    core = importlib.metadata.version("ansible-core")
    load = os.getloadavg()[2]
    return "\n".join([
        "| what | | |",
        "|---|---:|---|",
        *rows,
        "",
        f"Measured in the lab: guests are containers on one machine with {os.cpu_count()} CPUs (load {load:.1f} over the last "
        f"15 minutes), kube-vip and Calico are stand-ins, images come from a registry beside the nodes; ansible-core {core}.",
    ])  # fmt: skip


def still(found: Still) -> list[str]:
    """A run of site.yml with nothing to do."""
    return [
        _row("no change: reported as changed", found.played.changed),
        *(_row(f"no change: module executions on {name} (goal {GOAL_EXECUTIONS})", counted.total(),
               ", ".join(f"{module} {number}" for module, number in counted.most_common()))
          for name, counted in found.executions.items()),
        _row("no change: modules on the control machine", found.played.on_control_machine),
        _row("no change: seconds", f"{found.played.seconds:.1f}", _longest(found.played.longest())),
        _row(f"… of {found.most} tasks that ping the same nodes", f"{found.pings:.1f}",
             f"ratio {found.played.seconds / found.pings:.2f}"),
    ]  # fmt: skip


def start(measured: list[Round]) -> list[str]:
    """From the start of init to the last node that is ready."""
    rows = []
    for number, one in enumerate(measured, 1):
        ours = one.ours
        rows += [
            _row(f"round {number} ({one.first} first): init to the last node ready, bare, s", f"{one.bare:.0f}"),
            _row(f"round {number}: … ours, s", f"{ours.to_ready:.0f}",
                 f"ratio {ours.to_ready / one.bare:.2f} (goal {GOAL_START})"),
            _row(f"round {number}: ours, before it (preparation), s", f"{ours.preparation:.0f}"),
            _row(f"round {number}: ours, after it until acceptance, s", f"{ours.rest:.0f}"),
            _row(f"round {number}: ours, acceptance, s", f"{ours.acceptance:.0f}", _longest(ours.played.longest())),
        ]  # fmt: skip
    bare, ours = sum(one.bare for one in measured), sum(one.ours.to_ready for one in measured)
    ratios = [one.ours.to_ready / one.bare for one in measured]
    return [
        *rows,
        _row("all rounds: ours / bare", f"{ours / bare:.2f}", f"median of rounds {statistics.median(ratios):.2f}"),
    ]


def plain(measured: list[Plain]) -> list[str]:
    """Plain guests: P1 and the roles of the nodes."""
    return [
        *(
            _row(f"{one.guests} plain guests: no change, s", f"{one.still:.1f}", f"made in {one.made:.0f} s")
            for one in measured
        ),
        _row("one more plain guest adds, no change, s", f"{per_guest(measured):.2f}"),
    ]


def _longest(tasks: list[tuple[float, str]]) -> str:
    return "; ".join(f"{name} {seconds:.1f}" for seconds, name in tasks)


def _row(what: str, value: object, remark: str = "") -> str:
    return f"| {what} | {value} | {remark} |"
