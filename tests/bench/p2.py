"""`bin/bench p2`: measures the cluster in labs of its own and prints a Markdown table.

The documented site is made once (bin/demo). Then: a run with nothing to do beside as many pings; our start of the
cluster beside a bare kubeadm sequence on the same nodes; and what a further plain guest costs, in a second lab.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.cluster import report
from tests.bench.cluster.plain import grow
from tests.bench.cluster.start import rounds
from tests.bench.cluster.still import still
from tests.lab.cluster.cluster import Cluster
from tests.lab.conftest import LabCommand

PARTS = ["still", "start", "plain"]
# One command, on a busy machine.
SECONDS = 3600


def main(words: list[str]) -> int:
    options = _options(words)
    name = os.environ.get("DETECTVIZ_LAB", "bench")
    lines: list[str] = []
    if {"still", "start"} & set(options.parts):
        with _lab(name, options.keep) as lab:
            _say(f"the documented site in the lab {name}")
            lab.run("bin/demo", "--yes")
            cluster = Cluster(lab)
            if "still" in options.parts:
                _say("a run with nothing to do, and as many pings")
                lines += report.still(still(cluster))
            if "start" in options.parts:
                _say(f"the start of the cluster beside a bare sequence, {options.rounds} rounds")
                lines += report.start(rounds(cluster, options.rounds))
    if "plain" in options.parts:
        with (
            _lab(f"{name}-plain", options.keep) as lab,
            tempfile.TemporaryDirectory(prefix="detectviz-bench-") as folder,
        ):
            _say(f"{' and '.join(map(str, options.guests))} plain guests in the lab {lab.name}")
            lines += report.plain(grow(lab, Path(folder), options.guests))
    text = report.markdown(lines)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/bench p2", description=__doc__.split(": ", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", choices=PARTS, nargs="+", default=PARTS, help="what is measured (default: all)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="starts of each kind (default: 2)")
    parser.add_argument(
        "--guests", type=int, nargs=2, default=[4, 20], metavar="N", help="plain guests, few and many (default: 4 20)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the labs up")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table to this file, too")
    options = parser.parse_args(words)
    if options.rounds < 1 or not 1 <= options.guests[0] < options.guests[1] <= 100:
        parser.error("--rounds takes at least 1, --guests a smaller number and a larger one, at most 100")
    return options


@contextmanager
def _lab(name: str, keep: bool) -> Iterator[LabCommand]:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    lab = LabCommand(Path(state), name, seconds=SECONDS)
    try:
        yield lab
    finally:
        if not keep:
            lab("down", code=None)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
