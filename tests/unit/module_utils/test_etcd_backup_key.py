# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a site's backups: what of its file may be shown."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.modules import etcd_backup_key as key

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"


def test_only_the_certificate_is_shown_wherever_it_stands() -> None:
    assert key.certificate_in(PRIVATE + CERTIFICATE) == key.certificate_in(CERTIFICATE + PRIVATE) == CERTIFICATE


def test_a_file_without_one_of_both_is_no_key() -> None:
    assert key.certificate_in(PRIVATE) is None
    assert key.certificate_in(CERTIFICATE) is None
    assert key.certificate_in("") is None


def test_a_new_key_has_a_certificate_with_the_sites_name() -> None:
    made = key.new_pem("example")
    shown = key.certificate_in(made)
    assert shown is not None and "PRIVATE KEY" not in shown
    assert key.x509.load_pem_x509_certificate(shown.encode()).subject.rfc4514_string() == "CN=example backups"
