"""Runs the chosen suites and prints, as its last line, `N passed, N failed` over all of them."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runner.context import Context, Core
from tests.runner.outcome import Outcome
from tests.runner.suites import SUITES, Suite


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/test", description="Runs the tests of detectviz.infra.")
    names = [suite.name for suite in SUITES]
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"some of: {', '.join(names)} (default: all of them)"
    )
    parser.add_argument("--all", action="store_true", dest="everything", help="add the long drills")
    parser.add_argument("--cache", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--core", action="append", default=[], metavar="NAME=VENV", help=argparse.SUPPRESS)
    parser.add_argument("--left-out", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.suites if name not in names]
    if unknown:
        parser.error(f"no such suite: {', '.join(unknown)}; there are {', '.join(names)}")

    chosen = [suite for suite in SUITES if suite.name in options.suites or not options.suites]
    cores = [Core(name, Path(venv)) for name, _sign, venv in (core.partition("=") for core in options.core)]
    left_out = [f"suite {suite.name}: not asked for" for suite in SUITES if suite not in chosen] + options.left_out
    total = Outcome(left_out=left_out)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="detectviz-test-") as scratch, ThreadPoolExecutor() as pool:
        context = Context(Path.cwd(), options.cache, cores, options.everything, Path(scratch))
        of_lanes = dict.fromkeys(suite.lane for suite in chosen)
        lanes = [[suite for suite in chosen if suite.lane == name] for name in of_lanes]
        rows = [row for lane in pool.map(lambda lane: run_lane(context, lane), lanes) for row in lane]
    for _name, outcome, _seconds in rows:
        total.add(outcome)

    print("\nsuite         passed  failed  seconds")
    for name, outcome, seconds in rows:
        print(f"{name:<12} {outcome.passed:>7} {outcome.failed:>7} {seconds:>8.0f}")
    print(f"{'side by side':<28} {time.monotonic() - started:>8.0f}")
    for title, lines in (("Left out", total.left_out), ("Failed", total.failures)):
        if lines:
            print(f"\n{title}:")
            for line in lines:
                print(f"  - {line}")
    print(f"\n{total.passed} passed, {total.failed} failed", flush=True)
    return 0 if total.passed and not total.failed else 1


def run_lane(context: Context, suites: list[Suite]) -> list[tuple[str, Outcome, float]]:
    """The suites one after the other: name, outcome and seconds of each."""
    rows = []
    for suite in suites:
        print(f"=== {suite.name}: {suite.what}", flush=True)
        started = time.monotonic()
        try:
            outcome = suite.run(context)
        except Exception:
            traceback.print_exc()
            outcome = Outcome()
            outcome.check(f"{suite.name}: the runner itself failed", False)
        rows.append((suite.name, outcome, time.monotonic() - started))
    return rows


sys.exit(main())
