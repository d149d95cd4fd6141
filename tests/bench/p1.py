"""`bin/bench p1`: measures both collections on the same emulated Proxmox VE and prints a Markdown table.

With the defaults it takes about 18 minutes, 14 of them for the 50 guests of community.proxmox; --quick is for a look.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lab.pve.process import Emulator
from lab.pve.profiles import PROFILES, Profile, load_profile
from tests.bench import guests as work
from tests.bench import inventory, report
from tests.bench.report import Measured
from tests.bench.runs import Cost, play

QUICK = {"guests": [4], "time_scale": 0.1, "rows": 100}


def main(words: list[str]) -> int:
    options = _options(words)
    profile = load_profile(options.profile)
    with tempfile.TemporaryDirectory(prefix="detectviz-bench-") as name:
        folder = Path(name)
        try:
            measured = [_measure(folder / str(count), count, profile, options.time_scale) for count in options.guests]
            _say(f"an inventory of {options.rows} rows")
            loaded = inventory.compare(_new(folder / "inventory"), options.rows)
        except RuntimeError as error:
            sys.exit(f"the bench cannot go on: {error}")
    text = report.markdown(measured, loaded, profile.name, options.time_scale)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench p1", description=__doc__.split(": ", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guests", type=int, nargs="+", default=[4, 50], metavar="N", help="how many (default: 4 50)")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="lvmthin", help="the emulated host's storage")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.1 makes the host ten times as fast; the ratio "
                        "to the profile's limit means little then, as our own time is not scaled (default: 1)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of the inventory (default: 1000)")
    parser.add_argument("--quick", action="store_true", help="4 guests at time scale 0.1, 100 rows: under a minute")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table to this file, too")
    options = parser.parse_args(words)
    if options.quick:
        vars(options).update(QUICK)
    if not all(1 <= count <= 200 for count in options.guests):
        parser.error("--guests takes numbers from 1 to 200")
    return options


def _measure(folder: Path, count: int, profile: Profile, scale: float) -> Measured:
    rows = work.guests(count, profile)

    def cases(name: str, playbook: str, kinds: dict[str, str]) -> dict[str, Cost]:
        """The same playbook for each kind of run, one after the other, on a new host."""
        place = _new(folder / name)
        variables = work.variables(rows, place)
        costs = {}
        with Emulator.start(place / "pve", profile=profile.name, time_scale=scale, with_template=True) as pve:
            for kind, verify in kinds.items():
                _say(f"{count} guests, {name}: {kind}")
                costs[kind] = play(pve, place, playbook, {**variables, "verify": verify})
                _say(f"  {costs[kind].requests} requests, {costs[kind].seconds:.1f} s")
        return costs

    ours = cases("detectviz.infra", "ours.yml", {"create": "full", "no change": "full", "verify fast": "fast"})
    theirs = cases("community.proxmox", "community.yml", {"create": "", "no change": ""})
    return Measured(count, work.limit(rows, profile, scale), ours, theirs)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
