"""`exec -- COMMAND`: run a command inside the lab's network with the lab's environment."""

from __future__ import annotations

import argparse
import os

from lab.cli.environment import read_environment
from lab.cli.places import Places
from lab.nodes import namespace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="command and its arguments")


def run(options: argparse.Namespace) -> int:
    """Become the command; returns only when there is nothing to become."""
    places = Places.of(options.name)
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        raise SystemExit("exec: say which command, such as: exec -- ansible-playbook site.yml")
    if not places.environment.exists() or not namespace.exists(places.namespace):
        raise SystemExit(f"lab {places.name} is not up: python -m lab --name {places.name} up")
    argv = [*namespace.enter(places.namespace), *words]
    environment = read_environment(places.environment)
    environment["PATH"] = f"{places.programs}{os.pathsep}{environment.get('PATH', os.defpath)}"
    os.execvpe(argv[0], argv, environment)
