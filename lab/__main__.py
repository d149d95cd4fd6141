"""python -m lab [--name N] up|down|status|exec|artifacts|pve|requests|fault"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# command -> (help, module, function that adds its options and sets `run`)
COMMANDS = {
    "up": ("start the lab", "lab.cli", "add_up"),
    "down": ("stop it and leave nothing behind", "lab.cli", "add_down"),
    "status": ("show what runs", "lab.cli", "add_status"),
    "exec": ("run a command inside the lab's network: exec -- CMD", "lab.cli", "add_exec"),
    "artifacts": ("make packages and images of Kubernetes", "lab.cli", "add_artifacts"),
    "pve": ("run the Proxmox VE emulator alone", "lab.pve.cli", "add_pve"),
    "requests": ("show the requests that an emulator has had", "lab.pve.cli", "add_requests"),
    "fault": ("make an emulator fail by a rule", "lab.pve.cli", "add_fault"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; only its own module is imported."""
    words = list(sys.argv[1:] if argv is None else argv)
    values = {index + 1 for index, word in enumerate(words) if word == "--name"}
    chosen = next((word for index, word in enumerate(words) if word in COMMANDS and index not in values), None)
    parser = argparse.ArgumentParser(prog="python -m lab", description="The embedded lab of detectviz.infra.")
    parser.add_argument("--name", default="lab", help="name of the lab (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, module, function) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == chosen:
            getattr(importlib.import_module(module), function)(command)
    arguments = parser.parse_args(words)
    return int(arguments.run(arguments) or 0)


if __name__ == "__main__":
    sys.exit(main())
