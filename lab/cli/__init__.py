"""The commands `up`, `down`, `status`, `exec` and `artifacts` of `python -m lab`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable


def _adder(module_name: str) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        module = importlib.import_module(f"lab.cli.{module_name}")
        module.add_arguments(parser)
        parser.set_defaults(run=lambda options: _told(module.run, options))

    return add


def _told(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Errors of the lab end with their message; anything else is a fault of ours and shows where."""
    from lab.cli.errors import TOLD

    try:
        return run(options)
    except TOLD as error:
        sys.exit(f"lab: {error}")


add_up, add_down, add_status, add_exec, add_artifacts = map(_adder, ("up", "down", "status", "exec", "artifacts"))
