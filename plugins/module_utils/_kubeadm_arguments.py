# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules around kubeadm share: the cluster's settings as an argument, and running commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TEXTS = {"type": "list", "elements": "str", "required": True}

CLUSTER_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "version": {"type": "str"},
        "endpoint": {"type": "str", "required": True},
        "certificate_names": TEXTS,
        "pod_cidrs": TEXTS,
        "service_cidrs": TEXTS,
        "proxy_mode": {"type": "str", "choices": ["iptables", "nftables"], "default": "iptables"},
        "dns_domain": {"type": "str", "default": "cluster.local"},
        "image_repository": {"type": "str"},
        "kubelet_configuration": {"type": "dict", "default": {}},
        "kube_proxy_configuration": {"type": "dict", "default": {}},
        "api_server_arguments": {"type": "dict", "default": {}},
        "controller_manager_arguments": {"type": "dict", "default": {}},
        "scheduler_arguments": {"type": "dict", "default": {}},
        "etcd_arguments": {"type": "dict", "default": {}},
    },
}


def runner(module: Any) -> Callable[[list[str]], tuple[int, str]]:
    """Runs a command: its exit code, and standard output and error together. Not installed: code 127."""

    def run(command: list[str]) -> tuple[int, str]:
        program = module.get_bin_path(command[0])
        if program is None:
            return 127, f"{command[0]} is not installed"
        code, output, errors = module.run_command([program, *command[1:]], environ_update={"LC_ALL": "C"})
        # kubeadm warns on standard error while it prints its answer.
        return code, output if code == 0 else output + errors

    return run
