# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name and tag of an image."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._image_names import name_of, tag_of


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("registry.k8s.io/etcd:3.6.8-0", "3.6.8-0"),
        ("192.0.2.1:5000/kube-apiserver:v1.36.3", "v1.36.3"),
        ("192.0.2.1:5000/kube-apiserver:v1.36.3@sha256:abc", "v1.36.3"),
        ("registry.k8s.io/etcd", ""),
    ],
)
def test_the_tag_of_an_image(image: str, found: str) -> None:
    assert tag_of(image) == found


@pytest.mark.parametrize("rest", ["", ":v1.2.3", "@sha256:0", ":v1.2.3@sha256:0"])
@pytest.mark.parametrize("registry", ["", "ghcr.io/kube-vip/", "localhost:5000/"])
def test_the_name_is_what_stands_between(registry: str, rest: str) -> None:
    assert name_of(f"{registry}kube-vip{rest}") == "kube-vip"
