# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of kube_vip_manifest, and everything that can be wrong with them. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, NamedTuple

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError
from ansible_collections.detectviz.infra.plugins.module_utils._kube_vip_versions import (
    Layout,
    layout_of,
    parse_version,
    text_of,
    warning_for,
)
from ansible_collections.detectviz.infra.plugins.module_utils._vip_interface import Address, Network

PEER_SPEC: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "as": {"type": "int", "required": True},
    "password": {"type": "str", "no_log": True},
    "multihop": {"type": "bool", "default": False},
}

BGP_SPEC: dict[str, Any] = {
    "router_id": {"type": "str"},
    "local_as": {"type": "int", "default": 65000},
    "peers": {"type": "list", "elements": "dict", "default": [], "options": PEER_SPEC},
}

ARGUMENT_SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "kind": {"type": "str", "choices": ["pod", "daemonset"], "default": "pod"},
    "phase": {"type": "str", "choices": ["init", "steady"], "default": "steady"},
    "version": {"type": "str"},
    "image": {"type": "str", "default": "ghcr.io/kube-vip/kube-vip"},
    "image_digest": {"type": "str"},
    "address": {"type": "str"},
    "subnet": {"type": "str"},
    "interface": {"type": "str"},
    "port": {"type": "int", "default": 6443},
    "advertise": {"type": "str", "choices": ["arp", "bgp"], "default": "arp"},
    "control_plane": {"type": "bool", "default": True},
    "services": {"type": "bool", "default": False},
    "services_election": {"type": "bool", "default": False},
    "load_balancer": {"type": "bool", "default": False},
    "lease_name": {"type": "str"},
    "lease_duration": {"type": "int"},
    "lease_renew_deadline": {"type": "int"},
    "lease_retry_period": {"type": "int"},
    "metrics_address": {"type": "str", "default": ":2112"},
    "bgp": {"type": "dict", "options": BGP_SPEC},
    "kubeconfig": {"type": "path"},
    "extra_env": {"type": "raw"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

REQUIRED_IF = [("state", "present", ["version"]), ("advertise", "bgp", ["bgp"])]

_LEASE = ("lease_duration", "lease_renew_deadline", "lease_retry_period")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")


class Settings(NamedTuple):
    """What the manifest is made of, checked and in the types that the builder needs."""

    params: dict[str, Any]
    version: str
    layout: Layout
    vips: list[Address]
    networks: list[Network]
    prefixes: str  # of the VIP, as the user gave them; empty: the version's own
    lease: tuple[int, int, int] | None  # None: no leader is elected
    extra_env: dict[str, str]
    warnings: list[str]


def read_settings(params: dict[str, Any]) -> Settings:
    """The settings of ``params``, which Ansible has checked against ARGUMENT_SPEC.

    Raises ProblemsError with everything that is wrong.
    """
    problems: list[str] = []

    def tried(function: Any, *arguments: Any, default: Any) -> Any:
        try:
            return function(*arguments)
        except (InfraError, ValueError) as error:
            problems.append(str(error))
            return default

    version = tried(parse_version, params["version"] or "", default=None)
    layout = tried(layout_of, version, default=None) if version else None
    vips = tried(_vips, params, default=[])
    networks, prefixes = tried(_subnet, params["subnet"] or "", default=([], ""))
    extra_env = tried(_extra_env, params["extra_env"], default={})
    lease = _lease(params, layout) if layout else None
    problems += _combinations(params) + _address_problems(params, vips, networks, prefixes) + _bgp_problems(params)
    problems += _lease_problems(lease)
    if params["image_digest"] and not _DIGEST.fullmatch(params["image_digest"]):
        problems.append(f"image_digest {params['image_digest']!r} is not sha256: and 64 hexadecimal digits")
    if problems or version is None or layout is None:
        raise ProblemsError("These settings make no kube-vip manifest:", problems)
    warning = warning_for(version)
    return Settings(
        params=params,
        version=params["version"] if params["version"].startswith("v") else "v" + params["version"],
        layout=layout,
        vips=vips,
        networks=networks,
        prefixes=prefixes,
        lease=lease,
        extra_env=extra_env,
        warnings=([warning] if warning else []) + _version_warnings(params, version),
    )


def _version_warnings(params: dict[str, Any], version: tuple[int, int, int]) -> list[str]:
    if version < (0, 8, 1) and any(":" in part for part in (params["address"] or "").split(",")):
        return [f"kube-vip {text_of(version)} gives an IPv6 VIP the prefix length 32 by itself: set subnet to 128"]
    return []


def _vips(params: dict[str, Any]) -> list[Address]:
    """The addresses of the VIP; none if it is a DNS name."""
    found = []
    for part in (params["address"] or "").split(","):
        try:
            found.append(ipaddress.ip_address(part))
        except ValueError:
            if part and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", part):
                raise InfraError(f"address {part!r} is neither an address nor a DNS name") from None
            if re.fullmatch(r"[0-9.]+", part):
                raise InfraError(f"address {part!r} is not an address") from None
    return found


def _subnet(text: str) -> tuple[list[Network], str]:
    """Networks of the VIP, or prefix lengths to give it: ``192.0.2.0/24``, or ``32``."""
    networks, prefixes = [], []
    for part in filter(None, text.split(",")):
        if re.fullmatch(r"/?\d{1,3}", part):
            prefixes.append(part.lstrip("/"))
            if int(prefixes[-1]) > 128:
                raise InfraError(f"subnet {text!r}: no address has {prefixes[-1]} bits")
            continue
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise InfraError(f"subnet {part!r} is neither a network such as 192.0.2.0/24 nor a prefix length") from None
    if networks and prefixes:
        raise InfraError(f"subnet {text!r} mixes networks and prefix lengths: give one kind")
    return networks, ",".join(prefixes)


def _extra_env(value: Any) -> dict[str, str]:
    """A dictionary, or a list of {name, value} as a pod has it, as names and texts."""
    if value is None:
        return {}
    if isinstance(value, list) and all(isinstance(item, dict) and set(item) <= {"name", "value"} for item in value):
        names = [item.get("name") for item in value]
        if len(set(names)) < len(names):
            raise InfraError(
                "extra_env names a variable twice: " + ", ".join(sorted({str(n) for n in names if names.count(n) > 1}))
            )
        value = {item.get("name"): item.get("value", "") for item in value}
    if not isinstance(value, dict):
        raise InfraError("extra_env is neither a dictionary of names and values nor a list of name and value")
    wrong = [str(name) for name in value if not isinstance(name, str) or not _VARIABLE.fullmatch(name)]
    wrong += [str(name) for name, item in value.items() if not isinstance(item, (str, int, float, bool))]
    if wrong:
        raise InfraError(f"extra_env: {', '.join(wrong)} is no name of a variable, or has no plain value")
    return {name: str(item).lower() if isinstance(item, bool) else str(item) for name, item in value.items()}


def _lease(params: dict[str, Any], layout: Layout) -> tuple[int, int, int] | None:
    """Lease times where a leader is elected: always with ARP; with BGP only if the lease is set."""
    given = [params[name] for name in _LEASE]
    if params["advertise"] == "bgp" and not params["lease_name"] and given == [None, None, None]:
        return None
    duration, renew, retry = (own if value is None else value for value, own in zip(given, layout.lease))
    return duration, renew, retry


def _lease_problems(lease: tuple[int, int, int] | None) -> list[str]:
    if lease is None or lease[0] > lease[1] > lease[2] * 1.2 > 0:
        return []
    return [
        f"lease times {lease[0]}/{lease[1]}/{lease[2]} s cannot work: the duration must be longer than the renew "
        "deadline, and that longer than 1.2 times the retry period; set all three"
    ]


def _combinations(params: dict[str, Any]) -> list[str]:
    found = []
    if not params["control_plane"] and not params["services"]:
        found.append("neither control_plane nor services is on: kube-vip would have nothing to do")
    if params["services_election"] and not params["services"]:
        found.append("services_election is on without services: set services too")
    if params["kind"] == "daemonset" and params["phase"] == "init":
        found.append("a daemonset needs a running cluster: phase init is for kind pod")
    if params["kind"] == "daemonset" and params["kubeconfig"]:
        found.append("a daemonset uses its service account: kubeconfig is for kind pod")
    if not 0 < params["port"] < 65536:
        found.append(f"port {params['port']} is none")
    return found


def _address_problems(params: dict[str, Any], vips: list[Address], networks: list[Network], prefixes: str) -> list[str]:
    address = params["address"]
    if not address:
        return ["control_plane is on without address: set the VIP"] if params["control_plane"] else []
    found = []
    if not vips and not prefixes and not (networks and params["interface"]):
        found.append(f"address {address} is a name: set subnet to the prefix length of its addresses, such as 32")
    if not vips and not params["interface"] and not networks and params["advertise"] == "arp":
        found.append(f"address {address} is a name, which says nothing about its interface: set interface")
    for vip in vips:
        if networks and not any(vip in network for network in networks):
            found.append(f"the VIP {vip} is not in {', '.join(str(network) for network in networks)}: correct one")
    return found


def _bgp_problems(params: dict[str, Any]) -> list[str]:
    if params["advertise"] != "bgp":
        return ["bgp is set, but advertise is arp: set advertise to bgp"] if params["bgp"] else []
    bgp = params["bgp"] or {}
    found = []
    if bgp.get("router_id"):
        try:
            ipaddress.IPv4Address(bgp["router_id"])
        except ValueError:
            found.append(f"bgp.router_id {bgp['router_id']!r} is not an IPv4 address")
    for number in [bgp.get("local_as") or 0, *(peer["as"] for peer in bgp.get("peers") or [])]:
        if not 0 < number < 2**32:
            found.append(f"AS number {number} is not between 1 and 4294967295")
    for peer in bgp.get("peers") or []:
        try:
            ipaddress.ip_address(peer["address"])
        except ValueError:
            found.append(f"bgp peer {peer['address']!r} is not an address")
        if set(":,") & set(peer.get("password") or ""):
            found.append(f"the password of bgp peer {peer['address']} has a : or , which kube-vip cannot read")
    return found
