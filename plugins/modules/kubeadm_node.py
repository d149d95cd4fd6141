#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around kubeadm on one node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_node
author: The detectviz.infra authors (@detectviz)
short_description: Make a machine a node of a Kubernetes cluster with kubeadm
version_added: 0.1.0
description:
  - Initialises a cluster, joins a control-plane node or a worker, wipes a node, or reads what a node is.
  - Whether something is to be done is not decided here, since one node cannot know. V(observed) reads a node, the filter
    P(detectviz.infra.cluster_plan#filter) makes a plan of what all nodes say, and the other states carry it out.
  - What is begun is written down on the node first. A run that ends in the middle is gone on with by the next one, which
    lets kubeadm find its own earlier work and nothing else.
  - Configuration is rendered as data (C(kubeadm.k8s.io/v1beta4)) into files in memory for root alone; tokens and keys are
    in no command line and no log.
requirements:
  - kubeadm, kubelet and containerd on the node
extends_documentation_fragment:
  - detectviz.infra._kubeadm_cluster
attributes:
  check_mode:
    description: Says what would be done and does nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description:
      - V(observed) changes nothing but what an ended run has left half-way. The others do what they are told, as the plan
        says what is needed.
    support: partial
options:
  state:
    description:
      - V(observed) reads. Before that, static pods' manifests that a run which was ended while it renewed certificates
        has left aside are put back, as the API server may be one of them.
      - V(images) fetches the images that are missing; on a node of the control plane all that kubeadm lists, on a worker
        kube-proxy's and the one that holds each pod's namespaces.
      - V(initialized) makes the cluster on this node, or goes on with it.
      - V(joined) joins this node, or goes on with it.
      - V(reset) wipes what a cluster has left on the node, etcd's data included, after a copy of it was made there. Rules,
        routes and interfaces of kube-proxy and Calico go too, known by their names; the rules of others stay. So do
        virtual servers of IPVS, which have no name. What an upgrade or a renewal that did not end has written down or
        left aside goes as well.
      - V(evicted) runs on a master and takes O(evict) out of the cluster, its etcd member first, as
        M(detectviz.infra.etcd_member) does. It is refused if etcd would lose its majority.
    type: str
    choices: [observed, images, initialized, joined, reset, evicted]
    default: observed
  name:
    description: Name of the node.
    type: str
    required: true
  address:
    description: The node's own address on the cluster's network. Kubelet, API server and etcd use it.
    type: str
    required: true
  node_ips:
    description:
      - The addresses that the kubelet tells the cluster, one of each IP version that the cluster has. By default O(address).
    type: list
    elements: str
    default: []
  endpoints:
    description: Addresses that are asked whether a cluster answers there, such as the VIP and every master's.
    type: list
    elements: str
    default: []
  control_plane:
    description: Whether the node is one of the control plane.
    type: bool
    default: false
  cluster:
    description:
      - The cluster's settings, needed for V(images) and V(initialized).
  taints:
    description: Taints of the node from its first moment, such as C(key=value:NoSchedule), or objects of the API.
    type: list
    elements: raw
    default: []
  ignore_preflight_errors:
    description: Checks of kubeadm that may fail, by name. V(all) is refused.
    type: list
    elements: str
    default: []
  material:
    description: What M(detectviz.infra.kubeadm_join_material) returned on a master. Needed for V(joined).
    type: dict
  in_use:
    description:
      - With V(initialized), whether other nodes have joined the cluster since an init that did not end. Then kubeadm does
        nothing more; the node is only waited for, and the init counts as ended.
    type: bool
    default: false
  known:
    description: Whether the cluster has a node object of this name already.
    type: bool
    default: false
  evict:
    description: C(name) and C(address) of the node that V(evicted) takes out.
    type: dict
    suboptions:
      name: {description: Name of the node., type: str, required: true}
      address: {description: Its address on the cluster's network., type: str, required: true}
  vip:
    description:
      - The cluster's VIP. V(reset) takes it off the node's interface, where the end of kube-vip leaves it.
    type: str
    default: ""
  allow_standins:
    description:
      - Whether V(images) goes on with images that a lab has made. Without it they are fetched, told and refused.
    type: bool
    default: false
  containerd_folder:
    description:
      - Where containerd's configuration is. V(images) uses the mirrors in its C(certs.d) on a worker, where kubeadm does
        not fetch them.
    type: path
    default: /etc/containerd
  wait:
    description:
      - Seconds that V(observed) gives a control plane that is only starting.
    type: int
    default: 90
  timeout:
    description:
      - Seconds to wait for a node to be whole after kubeadm has ended, and for a kubeadm that an ended run left at work.
    type: int
    default: 300
seealso:
  - module: detectviz.infra.kubeadm_join_material
  - module: detectviz.infra.etcd_member
  - plugin: detectviz.infra.cluster_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: What the node is
  detectviz.infra.kubeadm_node:
    name: node-1
    address: 192.0.2.11
    endpoints: [192.0.2.10, 192.0.2.11, 192.0.2.12, 192.0.2.13]
  register: node

- name: The cluster is made
  detectviz.infra.kubeadm_node:
    state: initialized
    name: node-1
    address: 192.0.2.11
    cluster:
      name: example
      endpoint: 192.0.2.10:6443
      certificate_names: [192.0.2.10, 192.0.2.11]
      pod_cidrs: [10.244.0.0/16]
      service_cidrs: [10.96.0.0/12]
"""

RETURN = r"""
node:
  description: What was read. Only with V(observed).
  returned: state is observed
  type: dict
  contains:
    kubeadm: {description: Version of kubeadm., type: str, sample: v1.36.3}
    ca: {description: SHA-256 of the cluster's CA., type: str}
    address: {description: O(address)., type: str}
    answers: {description: The O(endpoints) at which an API server answers., type: list, elements: str}
    view:
      description: >-
        C(nodes), etcd's C(members) and the C(version) that kubeadm keeps for the cluster, as its own API server tells them, or
        C(error).
      type: dict
    etcd:
      description: "Where C(view) is an error, what the node's etcd says by itself: its C(members), whether they have a C(leader), and the
        ids of their C(cluster) and of itself (C(id))."
      type: dict
    etcd_failure: {description: "Why etcd's container ended, where etcd does not answer and its log tells.", type: str}
    unfinished: {description: "The step that an earlier run has begun and not ended.", type: str, sample: init}
    certificates:
      description: Every certificate that expires as PEM by its file, the kubelet's own with them.
      type: dict
    etcd_data: {description: Whether etcd has data., type: bool}
    kubelet_configured: {description: Whether the kubelet was given a cluster., type: bool}
    kubelet_healthy: {description: Whether the kubelet answers., type: bool}
    serving_certificate: {description: Whether the kubelet has a certificate of the cluster for serving., type: bool}
    control_plane: {description: Whether it has an API server's certificate., type: bool}
    manifests: {description: The control plane's static pods., type: list, elements: str}
    stopped: {description: Those of them that a restore has taken aside., type: list, elements: str}
    room: {description: "Free bytes of the folders where containers, etcd and the kubelet write.", type: dict}
    super_admin: {description: Whether C(super-admin.conf) is there., type: bool}
    macs: {description: Hardware addresses of its interfaces., type: list, elements: str}
    marks:
      description: Packages and images that say of themselves that a lab has made them - C(kind), C(name), C(label), C(text).
      type: list
      elements: dict
aside:
  description: The folder on the node with the keys and etcd's data that were there, or null.
  returned: state is reset, and it is no check run
  type: str
  sample: /var/lib/detectviz-infra/removed/20260101T000000Z
cleared:
  description: What kube-proxy and Calico had left in the kernel.
  returned: state is reset, and it is no check run
  type: list
  elements: str
  sample: ["iptables-nft: 42 chains", "interface vxlan.calico"]
put_back:
  description: Static pods whose manifests an ended run had left aside, and that run again.
  returned: state is observed
  type: list
  elements: str
images:
  description: Images that were, or would be, fetched. A check run can name none where kubeadm is not installed yet.
  returned: state is images
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_node as node
from ansible_collections.detectviz.infra.plugins.module_utils._clock import SystemClock
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_arguments import CLUSTER_SPEC, runner
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_certificates import put_back
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_config import cluster_configuration
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_evict import evict
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import kubeadm_version, observe
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_reset import found_files, reset
from ansible_collections.detectviz.infra.plugins.module_utils._lab_marks import marked, read_marks

ARGUMENT_SPEC = {
    "state": {
        "type": "str",
        "choices": ["observed", "images", "initialized", "joined", "reset", "evicted"],
        "default": "observed",
    },
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "node_ips": {"type": "list", "elements": "str", "default": []},
    "endpoints": {"type": "list", "elements": "str", "default": []},
    "control_plane": {"type": "bool", "default": False},
    "cluster": CLUSTER_SPEC,
    "taints": {"type": "list", "elements": "raw", "default": []},
    "ignore_preflight_errors": {"type": "list", "elements": "str", "default": []},
    "material": {"type": "dict", "no_log": True},
    "known": {"type": "bool", "default": False},
    "in_use": {"type": "bool", "default": False},
    "evict": {
        "type": "dict",
        "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "vip": {"type": "str", "default": ""},
    "allow_standins": {"type": "bool", "default": False},
    "containerd_folder": {"type": "path", "default": "/etc/containerd"},
    "wait": {"type": "int", "default": 90},
    "timeout": {"type": "int", "default": 300},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Does what the state says; the module's result."""
    params, run, clock = module.params, runner(module), SystemClock()
    state, cluster = params["state"], params["cluster"]
    with node.only_one(clock, params["timeout"]):
        if state == "observed":
            back = [] if module.check_mode else put_back()
            seen = observe(run, clock, params["address"], params["endpoints"], params["wait"])
            return {"changed": bool(back), "put_back": back, "node": seen}
        if state == "evicted":
            gone = evict(params["address"], params["evict"]["name"], params["evict"]["address"], module.check_mode)
            return {"changed": gone}
        if state == "reset":
            had_files = found_files()
            if module.check_mode:
                return {"changed": had_files}
            aside, cleared = reset(run, params["vip"])
            return {"changed": had_files or bool(cleared), "aside": aside, "cleared": cleared}
        if module.check_mode and state != "images":
            return {"changed": True}
        if cluster is not None:
            installed = kubeadm_version(run)
            # Only a check run comes so far without kubeadm, which knows the images: all are still to be fetched.
            if module.check_mode and installed is None:
                return {"changed": True, "images": []}
            cluster["version"] = cluster["version"] or installed
        if state == "images":
            wanted = cluster_configuration(cluster)
            if params["control_plane"]:
                images = node.pull_images(run, wanted, module.check_mode)
            else:
                images = node.pull_worker_images(run, wanted, params["containerd_folder"], module.check_mode)
            if not module.check_mode and not params["allow_standins"] and (marks := marked(read_marks(run), params["name"])):
                raise ProblemsError("a lab's images", marks)
            return {"changed": bool(images), "images": images}
        if state == "initialized":
            node.initialize(run, clock, params, cluster, params["timeout"], params["in_use"])
        else:
            node.join(run, clock, params, params["material"], params["known"], params["timeout"])
    return {"changed": True}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[
            ("state", "images", ["cluster"]),
            ("state", "initialized", ["cluster"]),
            ("state", "joined", ["material"]),
            ("state", "evicted", ["evict"]),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**act(module))
    except (InfraError, OSError) as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")


if __name__ == "__main__":
    main()
