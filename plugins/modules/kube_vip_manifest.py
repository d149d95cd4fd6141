#!/usr/bin/python
# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module around the manifest of kube-vip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_vip_manifest
author: The detectviz.infra authors (@detectviz)
short_description: Write the manifest of kube-vip
version_added: 0.1.0
description:
  - Writes the static pod of kube-vip on a control-plane node, or its DaemonSet, as C(kube-vip manifest) of that version
    prints it for the same settings, without null and empty fields.
  - It differs on purpose in the image; in C(hostPath.type), which is V(File), so that no empty kubeconfig is ever made;
    in the kubeconfig of O(phase=init); and in O(extra_env).
  - The interface of the VIP is found on the node by the VIP's network. It is not typed.
  - Before anything is written, the manifest is checked on the controller against the definitions of Kubernetes. No
    cluster is asked.
  - The rights of the DaemonSet's service account are not part of it. kube-vip prints them with a command of its own.
requirements:
  - kubernetes >= 37.0.0 (Python package, on the controller)
  - C(ip) of iproute2 on the node, unless O(interface) is set
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows the file before and after. Passwords of BGP peers are hidden.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  path:
    description:
      - The file. Its folder must exist. The kubelet runs what is in C(/etc/kubernetes/manifests).
      - A new file gets the mode V(0600), unless O(mode) says otherwise.
    type: path
    required: true
  kind:
    description:
      - V(pod) for the static pod of a control-plane node.
      - V(daemonset) for a DaemonSet with the service account C(kube-vip). With O(control_plane) it runs on control-plane
        nodes alone.
    type: str
    choices: [pod, daemonset]
    default: pod
  phase:
    description:
      - V(init) before C(kubeadm init), on the node that will run it. Only C(super-admin.conf) has rights at that time; it
        is mounted where kube-vip expects C(admin.conf).
      - V(steady) afterwards, and on all other nodes from the start.
    type: str
    choices: [init, steady]
    default: steady
  version:
    description:
      - Version of kube-vip, from V(v0.7.1) on. An older one is refused. One that is newer than V(v1.2.3) is written as for
        that one, with a warning.
      - Required to make the file.
    type: str
  image:
    description:
      - The image. Without a tag it gets O(version).
    type: str
    default: ghcr.io/kube-vip/kube-vip
  image_digest:
    description:
      - Digest that pins the image, such as C(sha256:) and 64 digits.
    type: str
  address:
    description:
      - The VIP, several of them with commas between, or a DNS name. Required by O(control_plane).
      - For a name O(subnet) is needed, as nothing is looked up.
    type: str
  subnet:
    description:
      - The network of the VIP, such as V(192.0.2.0/24). The interface with an address in it is used. Without it the
        interface is used whose own network holds the VIP.
      - Several networks have commas between. Those of another IP version than O(address) are passed over.
      - Or the prefix length that the VIP gets on the interface, such as V(24). By default it is the version's own, 32 or
        128, so that the node's route to its network stays its own.
    type: str
  interface:
    description:
      - Name of the interface. By default it is found by O(subnet). With O(advertise=bgp) the default is V(lo), as the VIP
        is reached by a route then.
    type: str
  port:
    description:
      - Port of the API server.
    type: int
    default: 6443
  advertise:
    description:
      - How the network learns where the VIP is.
    type: str
    choices: [arp, bgp]
    default: arp
  control_plane:
    description:
      - Whether it holds the VIP of the API servers.
    type: bool
    default: true
  services:
    description:
      - Whether it holds the addresses of services of type LoadBalancer.
    type: bool
    default: false
  services_election:
    description:
      - Whether each service has a leader of its own, so that they are spread over the nodes. Needs O(services).
    type: bool
    default: false
  load_balancer:
    description:
      - Whether the holder of the VIP spreads connections over all API servers, with IPVS of the kernel.
    type: bool
    default: false
  lease_name:
    description:
      - Name of the lease. By default V(plndr-cp-lock).
    type: str
  lease_duration:
    description:
      - Seconds after which a lease that was not renewed is free. The default is the version's own, V(5) before v1.1.0 and
        V(15) since.
      - A leader is elected with O(advertise=arp), and with O(advertise=bgp) if any option of the lease is set. Else all
        nodes announce the VIP.
    type: int
  lease_renew_deadline:
    description:
      - Seconds after which a leader that cannot renew gives up. The default is the version's own, V(3) or V(10).
    type: int
  lease_retry_period:
    description:
      - Seconds between two tries. The default is the version's own, V(1) or V(2).
    type: int
  metrics_address:
    description:
      - Address and port of the metrics. Empty for none.
    type: str
    default: ":2112"
  bgp:
    description:
      - Required by O(advertise=bgp).
    type: dict
    suboptions:
      router_id:
        description: IPv4 address that names this node.
        type: str
      local_as:
        description: Number of the own autonomous system.
        type: int
        default: 65000
      peers:
        description: Routers to speak with.
        type: list
        elements: dict
        default: []
        suboptions:
          address:
            description: IPv4 or IPv6 address.
            type: str
            required: true
          as:
            description: Number of its autonomous system.
            type: int
            required: true
          password:
            description: Password of the session. kube-vip cannot read one that holds a colon or a comma.
            type: str
          multihop:
            description: Whether there are routers between.
            type: bool
            default: false
  kubeconfig:
    description:
      - The kubeconfig on the node. By default C(/etc/kubernetes/admin.conf), in O(phase=init)
        C(/etc/kubernetes/super-admin.conf).
    type: path
  extra_env:
    description:
      - Further environment, as a dictionary or as a list of C(name) and C(value). A variable that is there already is
        replaced.
    type: raw
  state:
    description:
      - V(present) writes the file, V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - ansible.builtin.files
"""

EXAMPLES = r"""
- name: The VIP is held from the first moment of kubeadm init
  detectviz.infra.kube_vip_manifest:
    path: /etc/kubernetes/manifests/kube-vip.yaml
    phase: init
    version: v1.2.3
    address: 192.0.2.10
    subnet: 192.0.2.0/24
    lease_duration: 5
    lease_renew_deadline: 3
    lease_retry_period: 1

- name: Afterwards with the rights of an administrator
  detectviz.infra.kube_vip_manifest:
    path: /etc/kubernetes/manifests/kube-vip.yaml
    version: v1.2.3
    address: 192.0.2.10
    subnet: 192.0.2.0/24

- name: Every control-plane node announces the VIP by BGP
  detectviz.infra.kube_vip_manifest:
    path: /etc/kubernetes/manifests/kube-vip.yaml
    version: v1.2.3
    address: 198.51.100.10
    advertise: bgp
    bgp:
      router_id: 192.0.2.11
      local_as: 65010
      peers:
        - {address: 192.0.2.1, as: 65001}

- name: The DaemonSet for the runtime layer
  detectviz.infra.kube_vip_manifest:
    path: gitops/kube-vip/daemonset.yaml
    kind: daemonset
    version: v1.2.3
    address: 192.0.2.10
    interface: eth0
  delegate_to: localhost
"""

RETURN = r"""
manifest:
  description: The Pod or DaemonSet as it is in the file. Passwords of BGP peers are hidden.
  returned: when O(state=present)
  type: dict
  sample: {apiVersion: v1, kind: Pod, metadata: {name: kube-vip, namespace: kube-system}}
interface:
  description: The interface of the VIP.
  returned: when O(state=present)
  type: str
  sample: eth0
"""

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip import build_manifest, has_passwords
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_settings import (
    ARGUMENT_SPEC,
    REQUIRED_IF,
    Settings,
    read_settings,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vip_interface import find_interface
from ansible_collections.detectviz.infra.plugins.module_utils._yaml_text import to_yaml

_HIDDEN_FILE = "(not shown: it may hold passwords of BGP peers)\n"


def _interface(module: AnsibleModule, settings: Settings) -> str:
    if module.params["interface"]:
        return module.params["interface"]
    if module.params["advertise"] == "bgp":
        return "lo"
    if not settings.vips and not settings.networks:
        raise InfraError("Without address and subnet no interface can be found: set interface")
    command = [module.get_bin_path("ip", required=True), "-j", "address", "show"]
    _code, output, _errors = module.run_command(command, check_rc=True, environ_update={"LC_ALL": "C"})
    return find_interface(json.loads(output), settings.vips, settings.networks)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _shown(text: str | None, hidden: bool) -> str:
    return _HIDDEN_FILE if text and hidden else text or ""


def _write(module: AnsibleModule, path: str, text: str) -> None:
    draft = os.path.join(module.tmpdir, "kube-vip.yaml")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    # It renames within the folder under a name with a dot, which the kubelet passes over.
    module.atomic_move(draft, path)


def _present(module: AnsibleModule) -> dict[str, Any]:
    path = module.params["path"]
    settings = read_settings(module.params)
    for warning in settings.warnings:
        module.warn(warning)
    interface = _interface(module, settings)
    # A check run may come before the step that makes the folder.
    if not module.check_mode and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise InfraError(f"The folder of {path} does not exist: make it first, for its owner only")
    shown = build_manifest(settings, interface, show_passwords=False)
    before, after = _read(path), to_yaml(build_manifest(settings, interface))
    hidden = before is not None and "bgp_peer" in before and (has_passwords(settings) or before != after)
    diff = {
        "before": _shown(before, hidden),
        "after": _shown(before, hidden) if before == after else to_yaml(shown),
        "before_header": path,
        "after_header": path,
    }
    changed = before != after
    if changed and not module.check_mode:
        _write(module, path, after)
    if before is None and module.params["mode"] is None:
        module.params["mode"] = "0600"
    if os.path.exists(path):
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(module.params), changed)
    return {"changed": changed, "manifest": shown, "interface": interface, "diff": diff}


def _absent(module: AnsibleModule) -> dict[str, Any]:
    path = module.params["path"]
    before = _read(path)
    if before is not None and not module.check_mode:
        os.unlink(path)
    diff = {"before": _shown(before, "bgp_peer" in (before or "")), "after": "", "before_header": path}
    return {"changed": before is not None, "diff": diff}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, required_if=REQUIRED_IF, add_file_common_args=True, supports_check_mode=True
    )
    try:
        result = _present(module) if module.params["state"] == "present" else _absent(module)
    except (InfraError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
