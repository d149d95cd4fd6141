# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: site_lock
short_description: Have a site for the rest of a run
version_added: 0.1.0
author:
  - The detectviz.infra authors (@detectviz)
description:
  - Takes the lock of a site for the process that evaluates it, so that no other run of a playbook changes the site at
    the same time. A second look-up in the same run finds it taken, and goes on.
  - Has to stand in the condition of C(meta), as in the example. Conditions of C(meta) are evaluated by C(ansible-playbook)
    itself; those of all other tasks by a process that ends with the task, and the lock with it.
  - The kernel drops the lock when C(ansible-playbook) and all of its processes on the controller have ended, however they do.
  - Fails when another run has the site, and tells which playbook and process it is and since when.
  - The lock is a file on the controller. Runs on two controllers meet only where they share O(state_dir).
options:
  _terms:
    description: Names of sites.
    required: true
  state_dir:
    description: The folder with what outlives a run of the site. The lock is C(playbook.lock) in it.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: No other run works on the site
  ansible.builtin.meta: end_play
  when: lookup('detectviz.infra.site_lock', site_name, state_dir=state_dir) != 'held'
"""

RETURN = r"""
_raw:
  description: C(held) for each site.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.detectviz.infra.plugins.module_utils._errors import LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import hold_site


class LookupModule(LookupBase):
    """Holds each site until this process and its forks have ended."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        playbooks = " ".join(context.CLIARGS.get("args") or []) or "another run"
        try:
            for term in terms:
                hold_site(str(term), Path(self.get_option("state_dir")), playbooks)
        except LockedError as error:
            raise AnsibleError(str(error)) from error
        return ["held"] * len(terms)
