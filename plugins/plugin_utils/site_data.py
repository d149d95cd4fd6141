# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site data: read from its files, checked against the schema, cut down to what can be relied on."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.plugin_utils.files import Opaque, read_yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problem, Problems
from ansible_collections.detectviz.infra.plugins.plugin_utils.ssh_keys import EXPECTED, is_public_key

SCHEMA_FILE = Path(__file__).with_name("schemas") / "site.schema.json"
# The checks read these before Ansible could evaluate a template, so they must stand as plain values.
# Other keys of the schema may hold templates, such as a look-up of the public SSH key.
TEMPLATES_ALLOWED = {"guest_defaults", "templates", "registry_mirrors", "package_mirrors", "state_dir"}
# Of the guests' defaults the checks compute with these, and pass the others on as they are.
_COMPUTED_DEFAULTS = {"kind", "cores", "sockets", "memory_mb", "balloon_mb", "disks"}
# What derive() reads: these must be the same for the inventory and for every play.
FEEDS_DERIVED = {
    "proxmox_hosts", "networks", "vip", "cluster_network", "dns", "pod_cidrs", "service_cidrs", "load_balancer_pool",
    "ingress_address", "node_roles",
}  # fmt: skip
_SECRET_KEY = re.compile(r"(?:^|_)(?:password|passwd|passphrase|secret|token_secret|private_key)$", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@dataclass
class SiteData:
    """The data, the file that each top-level key came from, and the keys that failed the schema."""

    data: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Place] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)
    first: Place = Place("site data")
    warnings: list[str] = field(default_factory=list)

    def place(self, key: str) -> Place:
        return self.origin.get(key, self.first)

    def usable(self) -> dict[str, Any]:
        """The keys that passed the schema; the further checks may rely on the types of these."""
        return {key: value for key, value in self.data.items() if key not in self.invalid}


def read_site(files: Iterable[tuple[Path, str]], problems: Problems) -> SiteData:
    """Merge the files (a later file wins per top-level key, as in Ansible) and check the result."""
    site = SiteData()
    for number, (path, shown) in enumerate(files):
        place = Place(shown)
        if number == 0:
            site.first = place
        loaded = read_yaml(path, place, problems)
        if loaded is None:
            site.invalid.add("*")
            continue
        data = {} if loaded[0] is None else loaded[0]
        if not isinstance(data, dict):
            problems.add(place, None, "holds no mapping", "write keys such as site_name and networks")
            site.invalid.add("*")
            continue
        for key, value in data.items():
            site.data[str(key)] = value
            site.origin[str(key)] = place
    if "*" not in site.invalid:
        check_site(site, problems)
    return site


def check_site(site: SiteData, problems: Problems) -> None:
    """The schema, literal secrets, and keys that look like a slip of the pen."""
    for key, value in site.data.items():
        _find_secrets(value, key, site.place(key), problems)
        near = difflib.get_close_matches(key, schema()["properties"], n=1, cutoff=0.85)
        if key not in schema()["properties"] and near:
            site.warnings.append(f"{site.place(key).at(key)}: unknown to this collection; did you mean {near[0]}?")
    for error in _validator().iter_errors(site.data):
        for problem in _from_schema(error, site):
            problems.add(problem.place, problem.value, problem.fact, problem.expected)
            site.invalid.add(re.split(r"[.\[]", problem.place.column or "")[0])
    _check_ssh_keys(site, problems)


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of the site data."""
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema  # pylint: disable=import-outside-toplevel  # controller only; told by the plugins when missing

    return jsonschema.Draft202012Validator(schema())


def column_of(path: Iterable[Any]) -> str:
    """``["networks", "vmbr0", "dhcp_ranges", 0]`` → ``networks.vmbr0.dhcp_ranges[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _from_schema(error: Any, site: SiteData) -> Iterable[Problem]:
    """The problems that one finding of the validator stands for."""
    path = list(error.absolute_path)
    key = str(path[0]) if path else ""
    value = error.instance
    if isinstance(value, str) and "{{" in value:
        if not _may_be_template(path):
            yield Problem(
                site.place(key).at(column_of(path)), value, "is a template", "write the value itself: checks come first"
            )
        return
    if error.validator == "required":
        for name in error.validator_value:
            if name not in value:
                what = error.schema.get("properties", {}).get(name, {}).get("description", "see the guide")
                at = site.place(key or name).at(column_of([*path, name]))
                yield Problem(at, None, "is missing", _lower(what))
        return
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                yield Problem(site.place(key).at(column_of([*path, name])), None, "is an unknown key", hint)
        return
    if error.validator == "anyOf" and all(set(choice) == {"required"} for choice in error.validator_value):
        names = [name for choice in error.validator_value for name in choice["required"]]
        shown = [f"{name} ({_lower(error.schema['properties'][name]['description'])})" for name in names]
        at = site.place(key).at(column_of(path))
        yield Problem(at, None, f"has neither {' nor '.join(names)}", f"write {' or '.join(shown)}")
        return
    fact = {"type": "has the wrong type", "enum": "is not one of the choices", "minItems": "has no entry"}.get(
        error.validator, "is not valid"
    )
    types = error.schema.get("type")
    wanted = error.schema.get("description") or f"write a value of type {types}"
    if error.validator == "enum":
        wanted = f"write {' or '.join(map(str, error.validator_value))}"
    yield Problem(site.place(key).at(column_of(path)), value, fact, _lower(wanted))


def _lower(text: str) -> str:
    """A description of the schema as the end of a sentence."""
    return text[:1].lower() + text[1:].rstrip(".")


def _may_be_template(path: list[Any]) -> bool:
    """Whether the value at ``path`` is only passed on, so that Ansible may still evaluate a template there."""
    if path[:1] == ["guest_defaults"]:
        return len(path) > 1 and path[1] not in _COMPUTED_DEFAULTS
    return bool(path) and path[0] in TEMPLATES_ALLOWED


def _check_ssh_keys(site: SiteData, problems: Problems) -> None:
    defaults = site.data.get("guest_defaults")
    keys = defaults.get("ssh_keys") if isinstance(defaults, dict) else None
    for number, key in enumerate(keys if isinstance(keys, list) else []):
        # A private key was told as a secret before, and is never shown.
        if isinstance(key, str) and not _PRIVATE_KEY.search(key) and not is_public_key(key):
            at = site.place("guest_defaults").at(f"guest_defaults.ssh_keys[{number}]")
            problems.add(at, key, "is not a public SSH key", EXPECTED)


def _find_secrets(value: Any, column: str, place: Place, problems: Problems) -> None:
    """A secret belongs into the environment, a file or a vault, never in site data as a literal."""
    expected = "name it by reference: an environment variable, a file outside Git, or Ansible Vault"
    if isinstance(value, dict):
        for key, item in value.items():
            _find_secrets(item, f"{column}.{key}", place, problems)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _find_secrets(item, f"{column}[{number}]", place, problems)
    elif isinstance(value, (str, int)) and not isinstance(value, bool) and not isinstance(value, Opaque):
        text = str(value) if isinstance(value, str) else "number"
        last = column.rpartition(".")[2]
        if "{{" not in text and text and (_SECRET_KEY.search(last) or _PRIVATE_KEY.search(text)):
            problems.add(place.at(column), None, "is a literal secret", expected)
