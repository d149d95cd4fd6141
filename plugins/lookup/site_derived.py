# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: site_derived
short_description: What follows from a site's node table and data
version_added: 0.1.0
author:
  - The detectviz.infra authors (@detectviz)
description:
  - Returns everything that is worked out from a site's data, such as the MTU of the cluster's network, the names in the
    API server's certificate, DNS records and node labels.
  - The inventory plugin P(detectviz.infra.node_table#inventory) sets the variable C(site_derived) to this lookup, so
    roles read that variable. It is a lookup because its size grows with the table, and a variable of C(all) is copied
    to every host whenever an inventory is listed.
requirements:
  - jsonschema (on the controller)
options:
  _terms:
    description: Paths of inventory sources, files that end in C(.node_table.yml).
    required: true
"""

EXAMPLES = r"""
- name: The names that the certificate of the API server holds
  ansible.builtin.debug:
    msg: "{{ lookup('detectviz.infra.site_derived', 'inventory/detectviz/site.node_table.yml').certificate_names }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary for each source, with the keys C(cni_mtu), C(certificate_names), C(cluster), C(api_endpoints),
      C(dns_records), C(hosts_lines), C(node_labels), C(node_taints), C(node_addresses), C(node_ips),
      C(serving_addresses), C(proxmox_nodes), C(guest_ids), C(ingress_address), C(load_balancer_addresses),
      C(versions), C(networks), C(vendor_snippet), C(survives) and C(warnings).
  type: list
  elements: dict
"""

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import SiteError
from ansible_collections.detectviz.infra.plugins.plugin_utils.source import Source, read_source


class LookupModule(LookupBase):
    """Loads each source once per process, and again after an edit."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            sources = [read_source(Path(term)) for term in terms]
            return [copy.deepcopy(_derived(source, source.digest())) for source in sources]
        except SiteError as error:
            raise AnsibleError(error.text()) from error


@lru_cache(maxsize=8)
def _derived(source: Source, digest: str) -> dict[str, Any]:
    return source.load().derived
