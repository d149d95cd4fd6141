# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node taken out of its cluster, asked of a master: its etcd member, then its node object."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_removal import remove_member
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import admin_api
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import ApiRefused


def evict(address: str, name: str, member_address: str, check: bool = False) -> bool:
    """Whether anything was there. ``address``: of the master that is asked. Raises InfraError if etcd would lose its majority.

    ``check``: looks, and takes nothing out.
    """
    member, _stay = remove_member(address, member_address, check=check)
    try:
        admin_api(address).request("GET" if check else "DELETE", f"/api/v1/nodes/{name}")
    except InfraError as error:
        if isinstance(error, ApiRefused) and error.status == 404:
            return member
        if member and not check:
            raise InfraError(f"{error}. The member of {name} is out of etcd already: run again, for the rest of it") from error
        raise
    return True
