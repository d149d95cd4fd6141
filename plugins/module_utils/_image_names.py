# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an image's full name, ``registry.k8s.io/etcd:3.6.8-0@sha256:…``. Pure."""

from __future__ import annotations


def name_of(image: str) -> str:
    """``etcd``: without registry, tag and digest."""
    return _last_part(image).partition(":")[0]


def tag_of(image: str) -> str:
    """``3.6.8-0``; empty where there is none."""
    return _last_part(image).partition(":")[2]


def _last_part(image: str) -> str:
    """A registry may have a port, and so a colon of its own."""
    return image.partition("@")[0].rpartition("/")[2]
