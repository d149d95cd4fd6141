# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of containerd on a node, where nothing else fetches them: which are there, and fetching one."""

from __future__ import annotations

import re
from collections.abc import Callable

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

IMAGES = ("ctr", "-n", "k8s.io", "images")
SOCKET = "unix:///run/containerd/containerd.sock"
SANDBOX = re.compile(r"""^\s*sandbox(?:_image)?\s*=\s*["']([^"']+)["']""", re.M)

Run = Callable[[list[str]], tuple[int, str]]


def present(run: Run) -> set[str]:
    """Names of the images that the kubelet has; none where containerd is not installed."""
    return set(run([*IMAGES, "list", "-q"])[1].split())


def sandbox_image(dump: str) -> str | None:
    """The image that holds each pod's namespaces, out of ``containerd config dump`` of any major version. Pure."""
    match = SANDBOX.search(dump)
    return match[1] if match else None


def fetch(run: Run, image: str, purpose: str, containerd_folder: str) -> None:
    """Fetches an image through containerd's mirrors. Raises InfraError, with ``purpose`` after the image's name."""
    # ctr by itself does not look for mirrors where containerd is told of them.
    code, output = run([*IMAGES, "pull", "--hosts-dir", f"{containerd_folder}/certs.d", image])
    # It knows no passwords of containerd's own configuration, and before containerd 2 not its proxy. crictl, which may
    # not be there, lets containerd fetch the image as the kubelet does.
    if code != 0 and run(["crictl", "--runtime-endpoint", SOCKET, "pull", image])[0] != 0:
        raise InfraError(
            f"{image}, {purpose}, is not on this node, and fetching it ended with code {code}: {output.strip()[-500:]}. "
            "Let its registry, or a mirror in registry_mirrors, answer and have it, or bring it to the node by hand (ctr -n k8s.io "
            "images import FILE), and run again"
        )
