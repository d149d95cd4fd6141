#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module that measures how long an API does not answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api_watch
author: The detectviz.infra authors (@detectviz)
short_description: Measure how long a Kubernetes API does not answer
version_added: 0.1.0
description:
  - Asks C(/readyz) again and again, as long as O(path) holds O(token), and tells the times without a good answer.
  - Meant to run beside other tasks (C(async), C(poll=0)). It ends when the file is removed, when another run writes its own
    token there, or when O(limit) is over, so that a run that was killed leaves nothing that goes on for ever.
extends_documentation_fragment:
  - detectviz.infra._reading
options:
  kubeconfig:
    description: Path of the kubeconfig, with certificates in it. Its server is asked.
    type: path
    required: true
  path:
    description: The file that says how long to go on.
    type: path
    required: true
  token:
    description: What it holds meanwhile.
    type: str
    required: true
  interval:
    description: Seconds from one question to the next.
    type: float
    default: 0.5
  timeout:
    description: Seconds that an answer may take.
    type: float
    default: 2
  limit:
    description: Seconds after which it ends in any case.
    type: int
    default: 10800
"""

EXAMPLES = r"""
- name: The API is watched
  detectviz.infra.api_watch:
    kubeconfig: "{{ state_dir }}/kubeconfig"
    path: "{{ state_dir }}/watch"
    token: "2026-01-01"
  async: 10800
  poll: 0
"""

RETURN = r"""
watch:
  description: What was seen.
  returned: success
  type: dict
  contains:
    outages: {description: "When each time without a good answer C(began), and its C(seconds).", type: list, elements: dict}
    longest: {description: Seconds of the longest., type: float}
    sum: {description: Seconds of all., type: float}
    asked: {description: How many questions were asked., type: int}
    seconds: {description: How long it was watched., type: float}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._api_watch import summary, watch
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._cluster_api import cluster_api
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

ARGUMENT_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "path": {"type": "path", "required": True},
    "token": {"type": "str", "required": True, "no_log": False},
    "interval": {"type": "float", "default": 0.5},
    "timeout": {"type": "float", "default": 2},
    "limit": {"type": "int", "default": 10800},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        api = cluster_api(params["kubeconfig"], params["timeout"])
    except InfraError as error:
        module.fail_json(msg=str(error))

    def ask() -> bool:
        try:
            return str(api.get("/readyz")).strip() == "ok"
        except InfraError:
            return False

    def go_on() -> bool:
        try:
            return Path(params["path"]).read_text(encoding="utf-8").strip() == params["token"]
        except OSError:
            return False

    answers = watch(ask, go_on, SystemClock(), params["interval"], params["limit"])
    module.exit_json(changed=False, watch=summary(answers))


if __name__ == "__main__":
    main()
