# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Calico's objects may be changed to, beyond what their schema says: marks, pools, encapsulation.

Calico's own API server checks these rules; without it, the CustomResourceDefinitions accept anything of the right type.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FELIX, POOL, BGP = "FelixConfiguration", "IPPool", "BGPConfiguration"
PLURALS = {FELIX: "felixconfigurations", POOL: "ippools", BGP: "bgpconfigurations"}

INT32_MAX = 0x7FFFFFFF
DEFAULT_MARK_MASK = 0xFFFF0000
MARK_MASKS = ("iptablesMarkMask", "nftablesMarkMask")
DURATION = re.compile(r"([0-9]+)(ms|s|m|h)")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
"""In seconds."""

BLOCK_SIZES = {4: (20, 32, 26), 6: (116, 128, 122)}
"""By IP version: smallest, largest, and default block size."""
ENCAPSULATIONS = ("vxlanMode", "ipipMode")
FIXED = ("cidr", "blockSize")
"""Fields of a pool that address blocks were cut by: a change has no effect on them, and leaves the pool half moved."""


@dataclass(frozen=True)
class Wanted:
    """One object as the user wants it. ``option`` is the module's option it came from, for messages."""

    kind: str
    name: str
    spec: Mapping[str, Any]
    option: str

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"


def wanted_objects(params: Mapping[str, Any]) -> list[Wanted]:
    """The objects of the module's options, in the order in which they are applied."""
    result = []
    for index, pool in enumerate(params.get("ip_pools") or []):
        result.append(Wanted(POOL, pool["name"], pool["spec"], f"ip_pools[{index}].spec"))
    for kind, option in ((BGP, "bgp_configuration"), (FELIX, "felix_configuration")):
        if params.get(option) is not None:
            result.append(Wanted(kind, params[f"{option}_name"], params[option], option))
    return result


def without_unwritable_mask(
    spec: Mapping[str, Any], schema: Mapping[str, Any], option: str
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Felix' mark masks are unsigned, but the CustomResourceDefinition says int32: 0xffff0000 is refused there.

    It is Felix' default, so it is reached by leaving the field out. Returns the spec, notes on what was left out, and
    problems.
    """
    properties = schema.get("properties") or {}
    result, notes, problems = dict(spec), [], []
    for field in MARK_MASKS:
        value = result.get(field)
        if not isinstance(value, int) or value <= INT32_MAX or (properties.get(field) or {}).get("format") != "int32":
            continue
        if value == DEFAULT_MARK_MASK:
            del result[field]
            notes.append(
                f"{option}.{field} 0xffff0000 is Felix' default and more than the API takes in this field (int32): "
                f"the field is left out"
            )
        else:
            problems.append(
                f"{option}.{field} is {value:#x}: the API takes at most {INT32_MAX:#x} in this field (int32). Choose bits "
                f"below the highest, or set it in calico-node's environment (FELIX_{field.upper()})"
            )
    return result, notes, problems


def is_as_wanted(field: str, wanted: Any, found: Any) -> bool:
    """Whether a field of Felix has a value, in whatever form that was given: text that is a number or a truth value becomes one,
    durations have several forms, and the default mask is reached by leaving it out. ``found`` is None where the field is not set."""
    if field in MARK_MASKS and found is None:
        return _number(wanted) == DEFAULT_MARK_MASK
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(is_as_wanted(key, value, found.get(key)) for key, value in wanted.items())
    if isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(wanted) == len(found) and all(is_as_wanted(field, *pair) for pair in zip(wanted, found))
    if isinstance(found, bool):
        return str(wanted).lower() == str(found).lower()
    if isinstance(found, int):
        return _number(wanted) == found
    length = _seconds(wanted)
    return wanted == found or (length is not None and length == _seconds(found))


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        return None


def _seconds(value: Any) -> float | None:
    """Of a duration such as 1m30s; None of anything else."""
    parts = DURATION.findall(str(value))
    if not parts or "".join(number + unit for number, unit in parts) != str(value):
        return None
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def pool_problems(wanted: Sequence[Wanted], existing: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the wanted pools by themselves, and beside those that are there."""
    current = {item["metadata"]["name"]: item.get("spec") or {} for item in existing}
    names = [item.name for item in wanted if item.kind == POOL]
    problems = [f"ip_pools names {name} twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    ranges: dict[str, Any] = {}
    for name, spec in current.items():
        network = _network(spec.get("cidr"))
        if network is not None:
            ranges[name] = network
    for pool in (item for item in wanted if item.kind == POOL):
        cidr = pool.spec.get("cidr") or current.get(pool.name, {}).get("cidr")
        network = _network(cidr)
        if network is None:
            problems.append(f"{pool.option}.cidr is {cidr!r}: it must be a network such as 10.244.0.0/16, host bits zero")
            continue
        problems += _shape_problems(pool, network)
        if pool.name in current:
            problems += _fixed_problems(pool, current[pool.name])
        for other, taken in ranges.items():
            if other != pool.name and taken.version == network.version and taken.overlaps(network):
                problems.append(
                    f"{pool.title} ({network}) overlaps IPPool {other} ({taken}): Calico takes addresses from one pool "
                    f"only. Use the name {other}, or another network"
                )
        ranges[pool.name] = network
    return problems


def _shape_problems(pool: Wanted, network: Any) -> list[str]:
    problems = []
    low, high, _default = BLOCK_SIZES[network.version]
    size = pool.spec.get("blockSize")
    if isinstance(size, int) and not max(low, network.prefixlen) <= size <= high:
        problems.append(
            f"{pool.option}.blockSize is {size}: for {network} it must be from {max(low, network.prefixlen)} to {high}"
        )
    if all(_mode(pool.spec, field) != "Never" for field in ENCAPSULATIONS):
        problems.append(f"{pool.option}: vxlanMode and ipipMode are both on; set one of them to Never")
    return problems


def _fixed_problems(pool: Wanted, current: Mapping[str, Any]) -> list[str]:
    way_out = (
        "make a pool of another name with the new value, set disabled: true on this one, restart the pods that hold its "
        "addresses, and delete it when it is empty"
    )
    problems = []
    for field in FIXED:
        wanted, found = pool.spec.get(field), current.get(field)
        if field == "cidr":
            differs = wanted is not None and _network(wanted) != _network(found)
        else:
            network = _network(current.get("cidr"))
            default = BLOCK_SIZES[network.version][2] if network else None
            differs = wanted is not None and wanted != (found or default)
            found = found or f"{default} (the default)"
        if differs:
            problems.append(
                f"{pool.title}: {field} is {found} in the cluster and cannot become {wanted} in place, as addresses were "
                f"given out by it: {way_out}"
            )
    return problems


def explanations(wanted: Wanted, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """What the user should know about a change that is allowed. ``before`` is None where the object is new."""
    if before == after:
        return []
    if wanted.kind == FELIX:
        return [
            f"{wanted.title} changed ({', '.join(changed_fields(before or {}, after))}): Felix may restart on every node; "
            f"traffic goes on, policy changes wait for some seconds"
        ]
    told = []
    if wanted.kind == POOL and before is not None:
        if any(_mode(before, field) != _mode(after, field) for field in ENCAPSULATIONS):
            was, now = (
                " and ".join(f"{field} {_mode(spec, field)}" for field in ENCAPSULATIONS) for spec in (before, after)
            )
            told.append(
                f"{wanted.title} goes from {was} to {now}: routes are made anew on every node and traffic between pods "
                f"breaks off meanwhile. The MTU of pods that run stays as it is until they are restarted"
            )
        if bool(before.get("disabled")) != bool(after.get("disabled")):
            told.append(f"{wanted.title}: disabled concerns new addresses only; pods that hold one keep it")
    return told


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of top-level fields that differ, sorted."""
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _mode(spec: Mapping[str, Any], field: str) -> str:
    return str(spec.get(field) or "Never")


def _network(text: Any) -> Any:
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        return None
