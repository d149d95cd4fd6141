# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of a cluster's settings, once for all modules around kubeadm."""

from __future__ import annotations


class ModuleDocFragment:
    """Option of C(module_utils/_kubeadm_arguments.py)."""

    DOCUMENTATION = r"""
options:
  cluster:
    description: The cluster's settings.
    type: dict
    suboptions:
      name: {description: Name of the cluster., type: str, required: true}
      version: {description: "Version of Kubernetes. By default that of kubeadm.", type: str}
      endpoint: {description: "C(host:port) of the API for everybody.", type: str, required: true}
      certificate_names: {description: Names and addresses in the API server's certificate., type: list, elements: str, required: true}
      pod_cidrs: {description: Networks of the pods., type: list, elements: str, required: true}
      service_cidrs: {description: Networks of the services., type: list, elements: str, required: true}
      proxy_mode: {description: Mode of kube-proxy., type: str, choices: [iptables, nftables], default: iptables}
      dns_domain: {description: Domain of the services., type: str, default: cluster.local}
      image_repository: {description: Where the control plane's images are. By default C(registry.k8s.io)., type: str}
      kubelet_configuration: {description: Laid over the kubelets' configuration., type: dict, default: {}}
      kube_proxy_configuration: {description: Laid over kube-proxy's configuration., type: dict, default: {}}
      api_server_arguments: {description: Further arguments of the API server., type: dict, default: {}}
      controller_manager_arguments: {description: Arguments of the controller manager., type: dict, default: {}}
      scheduler_arguments: {description: Arguments of the scheduler., type: dict, default: {}}
      etcd_arguments: {description: Arguments of etcd., type: dict, default: {}}
"""
