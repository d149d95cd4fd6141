"""What one may do: roles, ACLs, groups, pools, privilege separation (facts/proxmox 1.1, 1.4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.pve.access import normalize_path
from lab.pve.roles import BUILT_IN, PRIVILEGES
from tests.contract.test_auth import token

pytestmark = pytest.mark.emulator_only("it makes users, roles, groups and permissions")


def person(pve, name, **acl):
    """A user with an own-rights token; `acl` is given to it. Returns the token's session."""
    user = f"{name}@pve"
    assert pve.call("POST", "/access/users", userid=user).ok
    if acl:
        grant(pve, users=user, **acl)
    return pve.session(token=token(pve, user, privsep=0))


def grant(pve, **acl):
    answer = pve.call("PUT", "/access/acl", **acl)
    assert answer.ok, answer.text


def held(pve, session, path):
    return set(pve.call("GET", "/access/permissions", session, path=path).json()["data"][path])


def test_root_may_everything_and_a_new_user_nothing(pve):
    assert held(pve, pve.session(), "/vms/100") == set(PRIVILEGES)
    assert held(pve, person(pve, "nobody"), "/vms/100") == set()


def test_a_refusal_names_path_and_privilege(pve):
    session = person(pve, "small")
    answer = pve.call("GET", "/nodes/pve/status", session)
    assert (answer.status_code, answer.reason) == (403, "Permission check failed (/nodes/pve, Sys.Audit)")


def test_alternatives_are_joined_by_a_bar(pve):
    session = person(pve, "barred")
    answer = pve.call("GET", "/access/groups/any", session)
    assert answer.reason == "Permission check failed (/access/groups, Sys.Audit|Group.Allocate)"


def test_rights_are_checked_before_existence(pve):
    session = person(pve, "curious")
    assert pve.call("GET", "/nodes/nowhere/status", session).status_code == 403
    assert pve.call("GET", "/nodes/nowhere/status").status_code == 500
    assert pve.call("GET", "/nodes/pve/qemu/999/config", session).status_code == 403
    unknown = pve.call("GET", "/nodes/pve/qemu/999/config")
    assert unknown.reason == "Configuration file 'nodes/pve/qemu-server/999.conf' does not exist"


def test_rights_go_down_only_with_propagate(pve):
    down = person(pve, "down", path="/vms", roles="PVEVMUser")
    flat = person(pve, "flat", path="/vms", roles="PVEVMUser", propagate=0)
    assert held(pve, down, "/vms/100") == set(BUILT_IN["PVEVMUser"])
    assert held(pve, flat, "/vms/100") == set()
    assert held(pve, flat, "/vms") == set(BUILT_IN["PVEVMUser"])


def test_the_deepest_entry_replaces_what_is_above(pve):
    session = person(pve, "deep", path="/", roles="PVEAdmin")
    grant(pve, path="/vms/100", users="deep@pve", roles="PVEAuditor")
    assert held(pve, session, "/vms/100") == set(BUILT_IN["PVEAuditor"])
    assert "VM.Allocate" in held(pve, session, "/vms/101")


def test_no_access_takes_all_away(pve):
    session = person(pve, "banned", path="/", roles="PVEAdmin")
    grant(pve, path="/vms", users="banned@pve", roles="NoAccess")
    assert held(pve, session, "/vms/100") == set()


def test_a_user_s_entry_wins_over_those_of_its_groups_on_one_path(pve):
    pve.call("POST", "/access/groups", groupid="admins")
    session = person(pve, "member", path="/vms", roles="PVEAuditor")
    pve.call("PUT", "/access/users/member@pve", groups="admins")
    grant(pve, path="/vms", groups="admins", roles="PVEVMAdmin")
    grant(pve, path="/storage", groups="admins", roles="PVEDatastoreUser")
    assert held(pve, session, "/vms/100") == set(BUILT_IN["PVEAuditor"])
    assert held(pve, session, "/storage/local") == set(BUILT_IN["PVEDatastoreUser"])


def test_a_separated_token_has_what_both_have(pve):
    user = "split@pve"
    pve.call("POST", "/access/users", userid=user)
    session = pve.session(token=token(pve, user))
    grant(pve, path="/vms", users=user, roles="PVEVMUser")
    assert held(pve, session, "/vms/100") == set()
    grant(pve, path="/vms", tokens=f"{user}!main", roles="PVEVMAdmin")
    assert held(pve, session, "/vms/100") == set(BUILT_IN["PVEVMUser"])
    assert pve.call("GET", "/access/permissions", session, userid=user).status_code == 403


def test_members_inherit_from_their_pool(pve):
    pve.call("POST", "/pools", poolid="team")
    session = person(pve, "teammate", path="/pool/team", roles="PVEVMAdmin")
    assert held(pve, session, "/vms/555") == set()
    assert pve.call("PUT", "/pools/team", vms="555").ok
    assert held(pve, session, "/vms/555") == set(BUILT_IN["PVEVMAdmin"])
    assert "/vms/555" in pve.call("GET", "/access/permissions", session).json()["data"]
    assert pve.call("DELETE", "/pools/team").status_code == 500
    assert pve.call("PUT", "/pools/team", vms="555", delete=1).ok
    assert pve.call("DELETE", "/pools/team").ok


def test_guests_without_audit_are_left_out_but_their_ids_are_taken(pve):
    made = pve.call("POST", "/nodes/pve/qemu", vmid=100, name="hidden")
    assert made.ok, made.text
    assert pve.wait(made.json()["data"]) == "OK"
    session = person(pve, "blind")
    assert pve.call("GET", "/cluster/resources", session, type="vm").json()["data"] == []
    assert pve.call("GET", "/cluster/nextid", session).json()["data"] == "101"
    taken = pve.call("GET", "/cluster/nextid", session, vmid=100)
    assert (taken.status_code, taken.json()["errors"]) == (400, {"vmid": "VM 100 already exists"})


def test_a_role_of_the_old_names_is_refused(pve):
    answer = pve.call("POST", "/access/roles", roleid="old", privs="VM.Audit,VM.Monitor")
    assert answer.status_code == 400
    assert "invalid privilege 'VM.Monitor'" in answer.json()["errors"]["privs"]


def test_roles_are_made_changed_and_removed_with_their_grants(pve):
    assert pve.call("POST", "/access/roles", roleid="Cloner", privs="VM.Clone VM.Audit").ok
    session = person(pve, "cloner", path="/vms/9000", roles="Cloner")
    assert pve.call("PUT", "/access/roles/Cloner", privs="VM.Allocate", append=1).ok
    assert held(pve, session, "/vms/9000") == {"VM.Clone", "VM.Audit", "VM.Allocate"}
    assert pve.call("DELETE", "/access/roles/Cloner").ok
    assert held(pve, session, "/vms/9000") == set()
    assert not [entry for entry in pve.call("GET", "/access/acl").json()["data"] if entry["roleid"] == "Cloner"]
    assert "auto-generated role" in pve.call("DELETE", "/access/roles/PVEAdmin").reason


def test_an_acl_needs_a_real_path_and_someone(pve):
    assert pve.call("PUT", "/access/acl", path="/nonsense", roles="PVEAdmin", users="root@pam").status_code == 400
    answer = pve.call("PUT", "/access/acl", path="/vms", roles="PVEAdmin")
    assert set(answer.json()["errors"]) == {"users", "groups", "tokens"}
    assert "does not exist" in pve.call("PUT", "/access/acl", path="/vms", roles="Nope", users="root@pam").reason


def test_only_who_may_change_permissions_gives_them(pve):
    session = person(pve, "giver", path="/vms/200", roles="PVEVMAdmin")
    mine = pve.call("PUT", "/access/acl", session, path="/vms/200", roles="PVEAuditor", users="giver@pve")
    other = pve.call("PUT", "/access/acl", session, path="/vms/201", roles="PVEAuditor", users="giver@pve")
    assert mine.ok, mine.text
    assert other.status_code == 403


@pytest.mark.real
def test_own_rights_can_be_read_and_those_in_a_pool_hold_for_its_guest(host, guest):
    assert "VM.Allocate" in held(host, None, f"/vms/{guest.vmid}")
    assert f"/vms/{guest.vmid}" in host.call("GET", "/access/permissions").json()["data"]


def test_a_deleted_user_leaves_nothing(pve):
    session = person(pve, "leaver", path="/vms", roles="PVEAdmin")
    assert pve.call("DELETE", "/access/users/leaver@pve").ok
    assert pve.call("GET", "/version", session).status_code == 401
    assert not [entry for entry in pve.call("GET", "/access/acl").json()["data"] if "leaver" in entry["ugid"]]


@pytest.mark.real
@pytest.mark.parametrize("group", ["VM", "Datastore", "Pool", "SDN", "Sys", "User", "Mapping"])
def test_built_in_roles_of_pve_9(host, group):
    roles = {role["roleid"]: role for role in host.call("GET", "/access/roles").json()["data"]}
    assert roles[f"PVE{group}Admin"]["special"] == 1
    assert set(roles["PVETemplateUser"]["privs"].split(",")) == {"VM.Audit", "VM.Clone"}
    assert "VM.Monitor" not in roles["Administrator"]["privs"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_a_path_is_normal_or_none(text):
    path = normalize_path(text)
    assert path is None or (normalize_path(path) == path and path.startswith("/") and "//" not in path)
