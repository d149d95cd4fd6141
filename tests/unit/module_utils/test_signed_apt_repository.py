# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are compared by fingerprint before they are trusted; keys are made by gpg."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._apt_repository import Repository, key_ends, key_problem
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._openpgp import (
    KeyUnreadable,
    dearmor,
    fingerprints,
    valid_until,
)
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg makes the keys of this test, and is not installed")


def gpg(home: Path, *words: str) -> bytes:
    command = ["gpg", "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", *words]
    return subprocess.run(command, env={**os.environ, "GNUPGHOME": str(home)}, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key ring with an Ed25519 key and an RSA key, each with a subkey."""
    folder = tmp_path_factory.mktemp("gpg", numbered=False)
    folder.chmod(0o700)
    gpg(folder, "--quick-generate-key", "one@example.org", "ed25519", "sign", "never")
    gpg(folder, "--quick-generate-key", "two@example.org", "rsa2048", "sign", "never")
    for print_ in told(folder):
        gpg(folder, "--quick-add-key", print_, "rsa2048", "sign", "never")
    return folder


def told(home: Path) -> list[str]:
    """Fingerprints of the primary keys as gpg itself tells them."""
    rows = [line.split(":") for line in gpg(home, "--list-keys", "--with-colons").decode().splitlines()]
    return [after[9] for row, after in zip(rows, rows[1:], strict=False) if row[0] == "pub"]


def test_fingerprints_are_those_that_gpg_tells(home: Path) -> None:
    assert len(told(home)) == 2
    assert fingerprints(gpg(home, "--armor", "--export")) == told(home)
    assert fingerprints(gpg(home, "--export")) == told(home)


def test_the_named_key_is_trusted_in_any_spelling(home: Path) -> None:
    one = told(home)[0]
    spelled = " ".join(one[i : i + 4] for i in range(0, 40, 4)).lower()
    assert key_problem(gpg(home, "--armor", "--export", "one@example.org"), [spelled]) is None


def test_another_key_is_refused_and_named(home: Path) -> None:
    one, two = told(home)
    assert two in (key_problem(gpg(home, "--export", "two@example.org"), [one]) or "")


def test_a_second_key_in_the_file_is_refused(home: Path) -> None:
    """apt would trust everything that it signs."""
    one, two = told(home)
    both = gpg(home, "--armor", "--export")
    assert two in (key_problem(both, [one]) or "")
    assert key_problem(both, [one, two]) is None


def test_a_page_in_place_of_a_key_is_refused() -> None:
    assert key_problem(b"<html>sign in</html>", ["A" * 40]) == "it is no OpenPGP data"
    assert key_problem(b"", ["A" * 40]) == "it holds no OpenPGP public key"


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, int]:
    """A key that was valid for ten days, the same key after it was extended, and its new end as gpg itself tells it."""
    folder = tmp_path_factory.mktemp("ending", numbered=False)
    folder.chmod(0o700)
    gpg(folder, "--faked-system-time", "20250101T000000!", "--quick-generate-key", "old@example.org", "ed25519", "sign", "10d")
    before = gpg(folder, "--armor", "--export")
    gpg(folder, "--faked-system-time", "20250105T000000!", "--quick-set-expire", told(folder)[0], "800d")
    [end] = [row.split(":")[6] for row in gpg(folder, "--list-keys", "--with-colons").decode().splitlines() if row[:3] == "pub"]
    return before, gpg(folder, "--armor", "--export"), int(end)


def test_a_key_that_ends_soon_or_has_ended_is_told_until_it_is_extended(ending: tuple[bytes, bytes, int]) -> None:
    before, after, end = ending
    assert valid_until(after) == end
    assert key_ends(before, 1735689600) == "2025-01-11"
    assert key_ends(before, 1735689600 + 400 * 86400) == "2025-01-11"
    assert key_ends(after, 1735689600) is None
    assert key_ends(after, end - 20 * 86400) is not None


def test_a_key_without_an_end_is_never_looked_for_anew(home: Path) -> None:
    assert valid_until(gpg(home, "--export")) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_a_key_with_a_wrong_print(data: bytes) -> None:
    assert key_problem(data, ["0" * 40]) is not None


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
def test_a_key_with_broken_signatures_ends_at_some_time_or_never(home: Path, place: int, bytes_: bytes) -> None:
    whole = gpg_export(home)
    broken = whole[:place] + bytes_ + whole[place + len(bytes_) :]
    try:
        assert isinstance(valid_until(broken), int | None)
    except KeyUnreadable:
        pass


@given(st.integers(1, 2000))
def test_a_key_that_is_cut_off_is_no_key(home: Path, length: int) -> None:
    whole = gpg_export(home)
    cut = whole[: min(length, len(whole) - 1)]
    try:
        assert fingerprints(cut) == told_cached(home)[: len(fingerprints(cut))]
    except KeyUnreadable:
        pass


CACHE: dict[str, bytes] = {}
TOLD: dict[str, list[str]] = {}


def gpg_export(home: Path) -> bytes:
    return CACHE.setdefault(str(home), CACHE.get(str(home)) or gpg(home, "--export"))


def told_cached(home: Path) -> list[str]:
    return TOLD.setdefault(str(home), TOLD.get(str(home)) or told(home))


def test_broken_armour_is_told() -> None:
    text = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----\n"
    with pytest.raises(KeyUnreadable, match="armour is broken"):
        dearmor(text)


def test_the_source_of_a_flat_repository() -> None:
    repository = Repository("kubernetes", "http://192.0.2.1/v1.36/deb/", "/", [], "http://192.0.2.1/key", [])
    repository.check()
    assert repository.source() == (
        "Types: deb\nURIs: http://192.0.2.1/v1.36/deb/\nSuites: /\nSigned-By: /etc/apt/keyrings/kubernetes.asc\n"
    )


@pytest.mark.parametrize(("suite", "components"), [("/", ["stable"]), ("bookworm", [])])
def test_a_suite_that_does_not_fit_its_components_is_refused(suite: str, components: list[str]) -> None:
    with pytest.raises(InfraError, match="flat"):
        Repository("x", "http://192.0.2.1", suite, components, "http://192.0.2.1/key", []).check()
