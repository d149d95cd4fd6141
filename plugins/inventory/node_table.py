# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: node_table
short_description: Machines from one table in YAML, CSV or Markdown
version_added: 0.1.0
author:
  - The detectviz.infra authors (@detectviz)
description:
  - Reads the table that describes a site's machines, and the site's data, and checks both completely before it adds
    the first host. A wrong table leaves the inventory empty and lists every problem with file, row and column.
  - A Proxmox VE host has its node name in the inventory, or that name with C(-host) behind it where the node is named
    like a group (C(proxmox)); its variable C(pve_node) is the node name in any case.
  - The source is a file whose name ends in C(.node_table.yml).
  - Makes the groups C(proxmox) (the Proxmox VE hosts), C(machines) (every guest), C(masters), C(workers) and
    C(k8s_cluster), and sets the variable C(site_derived) on C(all), which holds what follows from the site's data
    (P(detectviz.infra.site_derived#lookup)).
  - Ansible goes on with an empty inventory after a failed source unless C(any_unparsed_is_failed) is set. For this
    every phase of the collection begins with M(detectviz.infra.site_check), which fails with the same list.
requirements:
  - jsonschema (on the controller)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as a source of this plugin.
    type: str
    required: true
    choices: [detectviz.infra.node_table]
  path:
    description:
      - One or more tables, relative to the source. Files end in C(.yml), C(.yaml), C(.csv), C(.md), C(.markdown) or
        C(.txt) (read as Markdown).
    type: list
    elements: str
    required: true
  site:
    description:
      - The file with the site's data, or several of which a later one wins for each top-level key, relative to the
        source. Values must stand there as they are, since the checks come before Ansible evaluates templates.
    type: list
    elements: str
    default: [group_vars/all/site.yml]
seealso:
  - module: detectviz.infra.site_check
  - plugin: detectviz.infra.site_derived
    plugin_type: lookup
"""

EXAMPLES = r"""
# site.node_table.yml
plugin: detectviz.infra.node_table
path: tables/machines.yml

# A table kept in a spreadsheet, addresses in a page of the documentation, and a group for each Proxmox host:
# plugin: detectviz.infra.node_table
# path:
#   - tables/machines.csv
#   - ../../docs/network.md
# keyed_groups:
#   - key: pve_node
#     prefix: on
"""

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.detectviz.infra.plugins.plugin_utils.machines import CONTROL_PLANE, WORKER, inventory_name
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import SiteError
from ansible_collections.detectviz.infra.plugins.plugin_utils.source import SUFFIX, Source

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 templates every string of an inventory

    def trust_as_template(value: str) -> str:
        return value


# Marked as templates here: the core forgets what a plugin declares (trusted_by_default) when another source was parsed
# before this one.
PINNED_HOST_KEYS = trust_as_template(
    "-o UserKnownHostsFile={{ state_dir | quote }}/known_hosts -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes"
)
LOGIN_USER = trust_as_template(
    "{{ user | default((guest_defaults | default({})).user, true) | default('root', true) }}"
)

_GROUP_OF_ROLE = {CONTROL_PLANE: "masters", WORKER: "workers"}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Adds the hosts of a site that passed every check."""

    NAME = "detectviz.infra.node_table"
    # Tables are refused if they hold a template; templates in the site's data are the user's own, as in any group_vars.
    trusted_by_default = True

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(SUFFIX)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        site = self._site(path, cache)
        for note in site["notes"]:
            self.display.v(note)
        self._add_groups(site, path)
        for host in site["data"]["proxmox_hosts"]:
            self._add_host(inventory_name(host["name"]), ["proxmox"], _host_variables(host))
        for machine in site["machines"]:
            groups = ["machines"]
            if machine["node_role"] in _GROUP_OF_ROLE:
                groups.append(_GROUP_OF_ROLE[machine["node_role"]])
            self._add_host(machine["name"], groups, {key: value for key, value in machine.items() if key != "name"})

    def _site(self, path: str, cache: bool) -> dict[str, Any]:
        """The checked site as plain data, from the cache where it holds exactly these files."""
        source = Source(Path(path).absolute().parent, tuple(self.get_option("path")), tuple(self.get_option("site")))
        if not (cache and self.get_option("cache")):
            return self._load(source)
        key = f"{self.get_cache_key(path)}_{source.digest()[:32]}"
        try:
            return self._cache[key]
        except KeyError:
            self._cache[key] = self._load(source)
            return self._cache[key]

    def _load(self, source: Source) -> dict[str, Any]:
        try:
            return source.load().as_dict()
        except SiteError as error:
            raise AnsibleParserError(error.text()) from error
        except ImportError as error:
            raise AnsibleParserError(
                f"The checks need a Python library on the controller: {error}; install it with pip install jsonschema"
            ) from error

    def _add_groups(self, site: dict[str, Any], path: str) -> None:
        for group in ("proxmox", "machines", "masters", "workers", "k8s_cluster"):
            self.inventory.add_group(group)
        self.inventory.add_child("k8s_cluster", "masters")
        self.inventory.add_child("k8s_cluster", "workers")
        # A lookup, not the value: it grows with the table, and listing the inventory copies it to every host.
        quoted = json.dumps(str(Path(path).absolute()))
        lookup = trust_as_template(f"{{{{ lookup('detectviz.infra.site_derived', {quoted}) }}}}")
        self.inventory.set_variable("all", "site_derived", lookup)
        self.inventory.set_variable("all", "state_dir", state_dir(path, site["data"]["site_name"]))
        # Host keys are pinned, so that no connection of this site trusts one at first sight.
        self.inventory.set_variable("all", "ansible_ssh_common_args", PINNED_HOST_KEYS)
        self.inventory.set_variable("machines", "ansible_user", LOGIN_USER)
        if site["networks_from_tables"]:
            self.inventory.set_variable("all", "networks", site["data"]["networks"])

    def _add_host(self, name: str, groups: list[str], variables: dict[str, Any]) -> None:
        self.inventory.add_host(name)
        for group in groups:
            self.inventory.add_child(group, name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def state_dir(source: str, site_name: str) -> str:
    """Where a site keeps what outlives a run, unless its data says otherwise: beside the site's folder."""
    return str(Path(source).absolute().parent.parent / ".state" / site_name)


def _host_variables(host: dict[str, Any]) -> dict[str, Any]:
    """A Proxmox host: reached at its management address, everything else of its entry beside it."""
    variables = {key: value for key, value in host.items() if key not in ("name", "address", "ssh_user")}
    variables.update(ansible_host=host["address"].partition("/")[0], pve_node=host["name"])
    if host.get("ssh_user"):
        variables["ansible_user"] = host["ssh_user"]
    return variables
