"""Ask once before the lab first starts on this machine, and say what it will do."""

from __future__ import annotations

import sys
from pathlib import Path

TEXT = """The lab starts real systems on this machine, as root:
  - it builds a Debian 12 image (about 300 MB) and, for a site with a cluster, Kubernetes' programs, packages and
    images (about 1.5 GB, and 10 GB of Go's caches where they cannot be downloaded), and keeps them in {cache}
  - it makes network namespaces of its own ({namespace}, {namespace}-router); your interfaces, routes and firewall
    stay as they are, and there is no way out of them
  - it runs privileged system containers without access to your disks, clock, kernel modules and swap
  - while it runs, kernel.panic, kernel.panic_on_oops and vm.overcommit_memory have the values kubelets want;
    `python -m lab --name {name} down` gives yours back and removes everything but the cache
Privileged containers guard against accidents, not against hostile programs: run nothing in them you would not run as
root here."""


class Refused(RuntimeError):
    """The user did not agree."""


def ask(record: Path, yes: bool, **facts: object) -> None:
    """Return when the user agrees, or has agreed before on this machine (`record` exists). Refused otherwise."""
    if record.exists():
        return
    if not yes:
        print(TEXT.format(**facts), file=sys.stderr)
        if not sys.stdin.isatty():
            raise Refused("nobody is there to ask: say --yes to agree")
        if input("Start it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise Refused("not started")
    record.parent.mkdir(parents=True, exist_ok=True)
    record.touch()
