# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a node was made in a lab: packages and images that say so themselves. They must not serve a real site.

Packages carry a field in their control file, images a label in their configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PACKAGE_FIELD = "Detectviz-Lab"
IMAGE_LABELS = "io.detectviz.lab."
STANDIN_LABEL = f"{IMAGE_LABELS}standin"
BLOBS = Path("/var/lib/containerd/io.containerd.content.v1.content/blobs")
NAMESPACE = ("ctr", "-n", "k8s.io")
WAY_OUT = (
    "Stand-ins and what a lab has built must not serve a real site: correct registry_mirrors and package_mirrors, and "
    "remove what came from there ({how}). Only for a lab: allow_standins: true in the site's data"
)
HOW = {"package": "apt-get purge {name}", "image": "ctr -n k8s.io images rm {name}"}

Run = Callable[[list[str]], tuple[int, str]]
Mark = Mapping[str, Any]


def read_marks(run: Run) -> list[dict[str, str]]:
    """``kind`` (package or image), ``name``, ``label`` and ``text`` of everything that is marked; empty on a real node."""
    return [*_packages(run), *_images(run)]


def marked(marks: Sequence[Mark], node: str) -> list[str]:
    """One problem for each kind of marked things on a node."""
    problems = []
    for kind in HOW:
        named = [f"{mark['name']} ({mark['text']})" for mark in marks if mark["kind"] == kind]
        if named:
            example = next(str(mark["name"]) for mark in marks if mark["kind"] == kind)
            how = WAY_OUT.format(how=HOW[kind].format(name=example))
            problems.append(f"{node} has {kind}{'s' if len(named) > 1 else ''} of a lab: {', '.join(named)}. {how}")
    return problems


def stands_for(marks: Sequence[Mark], image: str) -> bool:
    """Whether an image whose name ends so is marked as a stand-in."""
    names = [str(mark["name"]).partition("@")[0].rpartition(":")[0] for mark in marks if mark["label"] == STANDIN_LABEL]
    return any(name == image or name.endswith(f"/{image}") for name in names)


def _packages(run: Run) -> Iterator[dict[str, str]]:
    _code, output = run(["dpkg-query", "-W", "-f", f"${{Package}} ${{Version}}\\t${{{PACKAGE_FIELD}}}\\n"])
    for line in output.splitlines():
        name, _tab, text = line.partition("\t")
        if text.strip():
            yield {"kind": "package", "name": name.split()[0], "label": PACKAGE_FIELD, "text": text.strip()}


def _images(run: Run) -> Iterator[dict[str, str]]:
    code, output = run([*NAMESPACE, "images", "list"])
    rows = [line.split() for line in output.splitlines()[1:]] if code == 0 else []
    names: dict[str, list[str]] = {}
    for row in rows:
        if len(row) > 2:
            names.setdefault(row[2], []).append(row[0])
    for digest in sorted(names, key=lambda digest: _best(names[digest])):
        name = _best(names[digest])
        for label, text in sorted(_labels(run, digest).items()):
            if label.startswith(IMAGE_LABELS):
                yield {"kind": "image", "name": name, "label": label, "text": text}


def _best(names: Sequence[str]) -> str:
    """Each image is there by name and tag, by its digest, and as the bare digest of its configuration."""
    return min(names, key=lambda name: (name.startswith("sha256:"), "@" in name, name))


def _labels(run: Run, digest: str) -> dict[str, str]:
    """Of the image, or of any of those in an index that are on the node."""
    manifest = _content(run, digest)
    found: dict[str, str] = {}
    for child in manifest.get("manifests") or []:
        found.update(_labels(run, child["digest"]))
    if manifest.get("config"):
        found.update((_content(run, manifest["config"]["digest"]).get("config") or {}).get("Labels") or {})
    return found


def _content(run: Run, digest: str) -> dict[str, Any]:
    """A document of containerd's store; from its file where that has its usual place, which spares a program."""
    algorithm, _colon, number = digest.partition(":")
    try:
        text = (BLOBS / algorithm / number).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        code, text = run([*NAMESPACE, "content", "get", digest])
        if code != 0:
            return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
