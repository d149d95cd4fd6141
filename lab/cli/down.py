"""`down`: end the lab and leave nothing of it on the machine but the cached image. Also clears a killed lab."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

from lab.cli import facts
from lab.cli.places import Places, labs_folder
from lab.cli.systems import end_systems
from lab.cli.up import one_at_a_time, say
from lab.nodes import namespace, safety
from lab.nodes.container import remove_control_groups

AFTER_INTERRUPT = "; run `down` again, it clears the rest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`down` has no options: it removes the lab of that name."""


def run(options: argparse.Namespace) -> int:
    places = Places.of(options.name)
    if not places.folder.exists() and not namespace.exists(places.namespace):
        say(f"there is no lab {places.name}")
        return 0
    began = time.monotonic()
    with one_at_a_time(places):
        take_down(places)
    say(f"lab {places.name} is gone after {time.monotonic() - began:.0f} s")
    return 0


def take_down(places: Places) -> None:
    """In the order that lets nothing be started again behind our back: API, systems, network, files."""
    known = facts.load(places.facts)
    for process in known.processes.values() if known else ():
        process.end()
    end_systems(places)
    namespace.remove(places.namespace)
    remove_control_groups(places.namespace)
    _refuse_mounts_below(places.folder)
    safety.return_sysctls(places.name)
    # The last that goes: while it is there, another `down` finishes what this one could not.
    shutil.rmtree(places.folder)
    (labs_folder() / f".{places.name}.lock").unlink(missing_ok=True)


def _refuse_mounts_below(folder: Path) -> None:
    """Mounts that a killed lab left: the folder is only removed when nothing of another file system is in it."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    left = [point for point in points if point.startswith(f"{os.path.realpath(folder)}/")]
    if left:
        raise RuntimeError(f"still mounted: {', '.join(left)}; end what uses them and run down again")
