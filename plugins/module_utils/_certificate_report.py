# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and names of certificates, read on the control machine. Pure but for the clock that is handed in."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

try:
    from cryptography import x509
except ImportError:  # ansible-core brings it to every controller
    x509 = None  # type: ignore[assignment]


def certificate_rows(nodes: Mapping[str, Any], now: datetime.datetime | None = None) -> list[dict[str, Any]]:
    """``nodes``: what ``kubeadm_node`` observed (key ``node``), by name.

    One row {node, file, days_left, text} per certificate, the next to end first. A text that is no certificate is one
    that has ended.
    """
    moment = now or datetime.datetime.now(datetime.timezone.utc)
    rows = []
    for name, observed in nodes.items():
        for path, pem in observed["node"]["certificates"].items():
            days = days_left(pem, moment)
            left = "is no certificate" if days is None else f"ends in {days} days" if days >= 0 else "has ended"
            rows.append(
                {"node": name, "file": path, "days_left": -1 if days is None else days, "text": f"{name} {path} {left}"}
            )
    return sorted(rows, key=lambda row: (row["days_left"], row["node"], row["file"]))


def days_left(pem: str, now: datetime.datetime) -> int | None:
    """Whole days, negative when it has ended; None if the text is no certificate."""
    try:
        return (x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc - now).days
    except ValueError:
        return None


def missing_certificate_names(pem: str, wanted: Sequence[str]) -> list[str]:
    """Names and addresses that a certificate lacks. Without a certificate none: it is made with all of them."""
    if not pem:
        return []
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return list(wanted)
    present = {str(item.value) for item in names}
    return [name for name in wanted if name not in present]
