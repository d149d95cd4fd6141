# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes containerd's configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._containerd import containerd_config

DOCUMENTATION = r"""
name: containerd_config
author: The detectviz.infra authors (@detectviz)
version_added: 0.1.0
short_description: Configuration of containerd for a version of it
description:
  - Returns the content of C(config.toml) as data, in the schema that the major version of containerd reads.
positional: _input, settings
options:
  _input:
    description: Version of containerd, such as V(2.4.2).
    type: str
    required: true
  settings:
    description: The keys V(sandbox_image), V(systemd_cgroup), V(restrict_oom_score_adj), V(snapshotter), V(certs_folder), V(extra).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The sandbox image of containerd 2
  ansible.builtin.debug:
    msg: "{{ ('2.4.2' | detectviz.infra.containerd_config(settings)).plugins['io.containerd.cri.v1.images'].pinned_images }}"
  vars:
    settings:
      sandbox_image: registry.k8s.io/pause:3.10.2
      systemd_cgroup: true
      restrict_oom_score_adj: false
      snapshotter: overlayfs
      certs_folder: /etc/containerd/certs.d
"""

RETURN = r"""
_value:
  description: The configuration.
  type: dict
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"containerd_config": containerd_config}
