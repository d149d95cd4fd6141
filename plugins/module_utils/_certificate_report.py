# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and names of certificates, read on the control machine. Pure but for the clock that is handed in."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import (
    CLIENT_CERTIFICATE,
    SERVING_CERTIFICATE,
    client_certificate,
)
from ansible_collections.detectviz.infra.plugins.module_utils._served_certificate import plain_name

try:
    from cryptography import x509
except ImportError:  # ansible-core brings it to every controller
    x509 = None  # type: ignore[assignment]

CONTROL_MACHINE = "control machine"
RENEW = "renew it: playbooks/renew_certificates.yml"
REMEDIES = {
    str(CLIENT_CERTIFICATE): (
        "the kubelet renews it by itself while it reaches the API: look at journalctl -u kubelet on the node; once it has "
        "ended, wipe the node and let it join again (kubeadm_reset_nodes)"
    ),
    str(SERVING_CERTIFICATE): (
        "the kubelet asks for a new one by itself: playbooks/renew_certificates.yml approves it; if it does not ask, look at "
        "journalctl -u kubelet on the node"
    ),
}
"""What to do about certificates that are not kubeadm's to renew, by their files."""
FETCH = "fetch it anew: playbooks/p2_kubernetes.yml"


def certificate_rows(
    nodes: Mapping[str, Any], now: datetime.datetime | None = None, kubeconfigs: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """``nodes``: what ``kubeadm_node`` observed (key ``node``), by name. ``kubeconfigs``: texts of those on the control
    machine, by their files; one that holds no certificate has no row.

    One row {node, file, days_left, text, remedy} per certificate, the next to end first. A text that is no certificate is
    one that has ended.
    """
    moment = now or datetime.datetime.now(datetime.timezone.utc)
    rows = [
        _row(name, path, pem, REMEDIES.get(path, RENEW), moment)
        for name, observed in nodes.items()
        for path, pem in observed["node"]["certificates"].items()
    ]
    for path, text in (kubeconfigs or {}).items():
        pem = client_certificate(text)
        if pem is not None:
            rows.append(_row(CONTROL_MACHINE, path, pem, FETCH, moment))
    return sorted(rows, key=lambda row: (row["days_left"], row["node"], row["file"]))


def _row(node: str, path: str, pem: str, remedy: str, now: datetime.datetime) -> dict[str, Any]:
    days = days_left(pem, now)
    left = "is no certificate" if days is None else f"ends in {days} days" if days >= 0 else "has ended"
    return {
        "node": node,
        "file": path,
        "days_left": -1 if days is None else days,
        "text": f"{node} {path} {left}",
        "remedy": remedy,
    }


def days_left(pem: str, now: datetime.datetime) -> int | None:
    """Whole days, negative when it has ended; None if the text is no certificate."""
    end = end_of(pem)
    return None if end is None else (end - now).days


def end_of(pem: str) -> datetime.datetime | None:
    """When a certificate ends; None if the text is none."""
    try:
        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except ValueError:
        return None


def ends_sooner(kubeconfig: str, other: str, least: int, now: datetime.datetime) -> bool:
    """Whether a kubeconfig's certificate has fewer than ``least`` days left, and that of another one has more than it.

    What cannot be read has ended. One that holds no certificate does not end.
    """
    pem = client_certificate(kubeconfig)
    end = end_of(client_certificate(other) or "")
    if pem is None or end is None:
        return False
    mine = end_of(pem)
    return mine is None or ((mine - now).days < least and mine < end)


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
    return [name for name in wanted if plain_name(name) not in present]
