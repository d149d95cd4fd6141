# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access: only what differs is written, in an order that works, and nothing of others is taken away."""

from __future__ import annotations

from ansible_collections.detectviz.infra.plugins.module_utils._access_plan import AccessState, diff_view, plan_access

WANTED = {
    "pools": [{"name": "site"}],
    "roles": [{"name": "Guests", "privileges": ["VM.Clone", "VM.Audit"]}],
    "users": [{"name": "deploy@pve", "comment": "deploys the site"}],
    "tokens": [{"user": "deploy@pve", "name": "run"}],
    "permissions": [{"path": "/pool/site", "role": "Guests", "user": "deploy@pve", "token": "deploy@pve!run"}],
}

DONE = AccessState(
    pools=[{"poolid": "site"}],
    roles=[{"roleid": "Guests", "privs": "VM.Audit,VM.Clone"}, {"roleid": "Administrator", "privs": "Sys.Modify"}],
    users=[{"userid": "root@pam"}, {"userid": "deploy@pve", "enable": 1, "comment": "deploys the site"}],
    acl=[
        {"path": "/pool/site", "type": "user", "ugid": "deploy@pve", "roleid": "Guests", "propagate": 1},
        {"path": "/pool/site", "type": "token", "ugid": "deploy@pve!run", "roleid": "Guests", "propagate": 1},
        {"path": "/", "type": "user", "ugid": "somebody@pve", "roleid": "Administrator", "propagate": 1},
    ],
    tokens={"deploy@pve": [{"tokenid": "run", "privsep": 1, "comment": ""}]},
)


def names(operations: list) -> list[str]:
    return [f"{item.what} {item.name}" for item in operations]


def test_on_an_empty_cluster_everything_is_made_in_order() -> None:
    assert names(plan_access(WANTED, AccessState())) == [
        "pool site",
        "role Guests",
        "user deploy@pve",
        "token deploy@pve!run",
        "permission /pool/site deploy@pve Guests",
        "permission /pool/site deploy@pve!run Guests",
    ]


def test_a_finished_site_needs_nothing() -> None:
    assert plan_access(WANTED, DONE) == []


def test_a_role_gets_exactly_the_privileges_of_the_site() -> None:
    wanted = {"roles": [{"name": "Guests", "privileges": ["VM.Audit"]}]}
    (operation,) = plan_access(wanted, DONE)
    assert (operation.before, operation.after) == (["VM.Audit", "VM.Clone"], ["VM.Audit"])


def test_a_disabled_user_is_enabled_again() -> None:
    seen = AccessState(users=[{"userid": "deploy@pve", "enable": 0, "comment": "deploys the site"}])
    (operation,) = plan_access({"users": WANTED["users"]}, seen)
    assert (operation.before["enabled"], operation.after["enabled"]) == (False, True)


def test_a_permission_that_does_not_propagate_is_corrected() -> None:
    seen = AccessState(acl=[dict(DONE.acl[0], propagate=0), DONE.acl[1]])
    (operation,) = plan_access({"permissions": WANTED["permissions"]}, seen)
    assert operation.wanted["holder"] == "deploy@pve"


def test_the_diff_names_what_changes() -> None:
    before, after = diff_view(plan_access(WANTED, AccessState()))
    assert before == {}
    assert after["role Guests"] == ["VM.Audit", "VM.Clone"]
