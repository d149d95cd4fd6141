"""`artifacts`: make programs, packages and images now, so that a later `up` finds them in the cache."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from lab.artifacts import mirror, registry
from lab.cli import kubernetes
from lab.cli.plan import read_site
from lab.cli.up import DEFAULT_SITE, say, step
from lab.nodes import image_build, recipe, requirements


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kubernetes.add_minor_argument(parser)
    parser.add_argument("--site", type=Path, default=DEFAULT_SITE, help="folder of the site (default: the documented)")
    kubernetes.add_source_arguments(parser)


def run(options: argparse.Namespace) -> int:
    requirements.require(recipe.cache_dir())
    began = time.monotonic()
    site = read_site(options.site.resolve())
    workshop = kubernetes.workshop(options, say)
    with step("image"):
        rootfs = image_build.build_image(say)
    made = mirror.make(workshop, rootfs, site, options.minor or kubernetes.minors(site), options.upstream)
    for name, tags in registry.tags(made.registry).items():
        say(f"  {name}: {', '.join(tags)}")
    say(f"artifacts are in {workshop.artifacts} after {time.monotonic() - began:.0f} s")
    return 0
