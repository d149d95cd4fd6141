"""Lists of checksums as publishers write them."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._image_checksum import (
    ChecksumListError,
    digest_of,
    is_listed,
    resolve,
)
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "ab" * 32
OTHER = "cd" * 32
ADDRESS = "https://example.org/SHA256SUMS"


@pytest.mark.parametrize(
    "line",
    [
        f"{DIGEST} *noble.img",
        f"{DIGEST}  noble.img",
        f"{DIGEST.upper()}  ./noble.img",
        f"SHA256 (noble.img) = {DIGEST}",
    ],
)
def test_the_lines_of_coreutils_and_bsd_are_read(line: str) -> None:
    assert digest_of(f"{OTHER} *noble.img.manifest\n{line}\n{OTHER}  jammy.img\n", "noble.img", ADDRESS) == DIGEST


def test_a_list_without_the_image_says_so() -> None:
    with pytest.raises(ChecksumListError, match=r"SHA256SUMS does not name noble\.img: correct image\.url"):
        digest_of(f"{DIGEST} *jammy.img\n", "noble.img", ADDRESS)


def test_two_checksums_for_one_image_are_not_guessed_between() -> None:
    with pytest.raises(ChecksumListError, match="2 different checksums"):
        digest_of(f"{DIGEST} *noble.img\n{OTHER} *noble.img\n", "noble.img", ADDRESS)


def test_a_list_over_plain_http_proves_nothing() -> None:
    with pytest.raises(ChecksumListError, match="must be an https address"):
        resolve("sha256:http://example.org/SHA256SUMS", "https://example.org/noble.img", str)


def test_a_checksum_of_its_own_is_left_as_it_is() -> None:
    assert not is_listed(f"sha256:{DIGEST}")
    assert resolve(f"sha256:{DIGEST}", "https://example.org/noble.img", str) == f"sha256:{DIGEST}"


def test_the_image_is_found_by_the_name_in_its_address() -> None:
    lists = {ADDRESS: f"{DIGEST} *noble.img\n"}
    found = resolve(f"sha256:{ADDRESS}", "https://mirror.example.org/a/noble.img?x=1", lists.__getitem__)
    assert found == f"sha256:{DIGEST}"


@given(st.text())
def test_garbage_is_refused_with_the_address(text: str) -> None:
    with pytest.raises(ChecksumListError, match="example"):
        digest_of(text, "noble.img", ADDRESS)
