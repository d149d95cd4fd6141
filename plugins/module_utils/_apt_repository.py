# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian package repository whose key is compared before it is trusted: the files it is made of. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._openpgp import KeyUnreadable, fingerprints, valid_until

KEY_FOLDER = "/etc/apt/keyrings"
SOURCE_FOLDER = "/etc/apt/sources.list.d"
SOON = 30 * 86400
"""Seconds before its end from which on a key is looked for anew."""


class KeyRefused(InfraError):
    """The key is not the one that was named."""


@dataclass(frozen=True)
class Repository:
    """``suite`` ends with a slash for a flat repository, which has no ``components``."""

    name: str
    url: str
    suite: str
    components: Sequence[str]
    key_url: str
    key_fingerprints: Sequence[str]

    @property
    def key_path(self) -> str:
        # apt tells an armoured key from a binary one by its ending.
        return f"{KEY_FOLDER}/{self.name}.asc"

    @property
    def source_path(self) -> str:
        return f"{SOURCE_FOLDER}/{self.name}.sources"

    def source(self) -> str:
        """The deb822 stanza."""
        return stanza(self.url, self.suite, self.components, self.key_path)

    def check(self) -> None:
        """Raises InfraError for a combination that apt refuses."""
        if self.suite.endswith("/") == bool(self.components):
            raise InfraError(
                f"repository {self.name}: a flat one has a suite that ends with / and no components; any other has both"
            )


def stanza(url: str, suite: str, components: Sequence[str], key: str) -> str:
    """A source of apt in the deb822 format; ``key`` is the file of the keys that may sign."""
    lines = ["Types: deb", f"URIs: {url}", f"Suites: {suite}"]
    lines += [f"Components: {' '.join(components)}"] if components else []
    return "\n".join([*lines, f"Signed-By: {key}", ""])


def plain(fingerprint: str) -> str:
    """As it is compared: people write fingerprints in groups and in either case."""
    return "".join(fingerprint.split()).upper().removeprefix("0X")


def key_problem(data: bytes, wanted: Sequence[str]) -> str | None:
    """Why a key file must not be trusted; None if it holds named keys only, at least one."""
    try:
        found = fingerprints(data)
    except KeyUnreadable as error:
        return str(error)
    foreign = sorted(set(found) - {plain(item) for item in wanted})
    return f"it holds the key {', '.join(foreign)}, which is not named" if foreign else None


def key_ends(data: bytes, now: float) -> str | None:
    """The day on which a key that fits runs out, if that is soon or was; None if it is valid for longer."""
    end = valid_until(data)
    return None if end is None or end > now + SOON else time.strftime("%Y-%m-%d", time.gmtime(end))
