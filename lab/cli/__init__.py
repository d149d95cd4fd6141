"""The commands `up`, `down`, `status`, `exec` and `artifacts` of `python -m lab`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from types import ModuleType

INTERRUPTED = 130  # what shells give a program that Ctrl-C has ended


def _adder(module_name: str) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        module = importlib.import_module(f"lab.cli.{module_name}")
        module.add_arguments(parser)
        parser.set_defaults(run=lambda options: _told(module, options))

    return add


def _told(module: ModuleType, options: argparse.Namespace) -> int:
    """Errors of the lab and Ctrl-C end with one line; anything else is a fault of ours and shows where."""
    from lab.cli.errors import TOLD

    try:
        return int(module.run(options))
    except TOLD as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt:
        print(f"\nlab: interrupted{getattr(module, 'AFTER_INTERRUPT', '')}", file=sys.stderr)
        return INTERRUPTED


add_up, add_down, add_status, add_exec, add_artifacts = map(_adder, ("up", "down", "status", "exec", "artifacts"))
