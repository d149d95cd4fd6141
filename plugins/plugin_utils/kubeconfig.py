# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs, edited as data: the administrator's with the VIP as its server, and merged into a user's own.

Pure but for the clock that is handed in.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.detectviz.infra.plugins.module_utils._certificate_report import ends_sooner

Config = dict[str, Any]


def for_site(
    text: str,
    name: str,
    endpoint: str,
    present: str = "",
    renew_days: int = 0,
    now: datetime.datetime | None = None,
) -> str:
    """kubeadm's admin.conf as the control machine uses it: server, and names that tell sites apart.

    ``present`` is the control machine's file of before. Every master has an administrator's certificate of its own, so
    which one it is does not matter: all but the user stays as it is told, and with it the file. But one that has ended, or
    has fewer than ``renew_days`` days left, is replaced by one that ends later. What is no kubeconfig is replaced.
    """
    admin = yaml.safe_load(text)
    user = f"{name}-admin"
    cluster = {**admin["clusters"][0]["cluster"], "server": f"https://{endpoint}"}
    result = _dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
            "users": [{"name": user, "user": admin["users"][0]["user"]}],
        }
    )
    if not present or _but_users(present) != _but_users(result):
        return result
    moment = now or datetime.datetime.now(datetime.timezone.utc)
    return result if ends_sooner(present, result, renew_days, moment) else present


def _but_users(text: str) -> Config:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return {key: value for key, value in config.items() if key != "users"} if isinstance(config, dict) else {}


def merged_into(own: str, site: str) -> str:
    """A user's kubeconfig with the site's entries in it; the current context stays, if there is one."""
    result: Config = yaml.safe_load(own) or {"apiVersion": "v1", "kind": "Config"}
    added = yaml.safe_load(site)
    for section in ("clusters", "contexts", "users"):
        result[section] = _replaced(result.get(section) or [], added[section])
    result["current-context"] = result.get("current-context") or added["current-context"]
    return _dump(result)


def _replaced(items: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of the same name in their old place, others behind."""
    by_name = {item["name"]: item for item in new}
    kept = [by_name.pop(item["name"], item) for item in items]
    return kept + list(by_name.values())


def _dump(config: Mapping[str, Any]) -> str:
    # Through JSON, as Ansible's strings carry marks that YAML cannot write.
    return str(yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False, width=10_000))
