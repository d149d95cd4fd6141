"""Who one is: passwords, tickets, CSRF tokens, API tokens (facts/proxmox 1.1 and 1.3)."""

from __future__ import annotations

import time

import pytest
import requests
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException

pytestmark = pytest.mark.emulator_only("it makes users or tokens, or needs a password")


def anonymous(pve, method="GET", path="/version", **headers):
    session = requests.Session()
    session.trust_env = False
    return session.request(method, f"{pve.url}/api2/json{path}", headers=headers, verify=pve.verify, timeout=30)


def token(pve, user, name="main", **options):
    """Make a token; the text for `pve.session(token=...)`."""
    made = pve.call("POST", f"/access/users/{user}/token/{name}", **options)
    assert made.ok, made.text
    return f"{user}!{name}={made.json()['data']['value']}"


@pytest.mark.real
def test_nobody_is_told_so_in_the_status_line_only(host):
    answer = anonymous(host)
    assert (answer.status_code, answer.reason, answer.content) == (401, "No ticket", b"")


def test_refusals_are_delayed(make_pve):
    with make_pve(time_scale=0.5) as slow:
        began = time.monotonic()
        assert anonymous(slow).status_code == 401
        assert time.monotonic() - began >= 1.5


@pytest.mark.real
def test_realms_are_open_to_all(host):
    assert {realm["realm"] for realm in anonymous(host, path="/access/domains").json()["data"]} >= {"pam", "pve"}


@pytest.mark.real
def test_a_failed_login_has_a_body(host):
    """By a user whom no host has, so that no account is locked by it."""
    answer = requests.post(f"{host.url}/api2/json/access/ticket", verify=host.verify, timeout=30,
                           data={"username": "dvz-no-such-user@pve", "password": "no-such-password"})
    assert (answer.status_code, answer.reason) == (401, "authentication failure")
    assert answer.json()["data"] is None


def test_a_ticket_reads_and_with_its_csrf_token_writes(pve):
    session = pve.session(user="root@pam")
    assert pve.call("GET", "/version", session).ok
    assert pve.call("POST", "/pools", session, poolid="by-ticket").ok
    del session.headers["CSRFPreventionToken"]
    assert pve.call("GET", "/version", session).ok
    answer = pve.call("POST", "/pools", session, poolid="by-ticket-2")
    assert (answer.status_code, answer.reason) == (401, "Permission denied - invalid csrf token")


def test_a_ticket_renews_itself(pve):
    session = pve.session(user="root@pam")
    ticket = session.cookies.get("PVEAuthCookie")
    answer = pve.call("POST", "/access/ticket", session, username="root@pam", password=ticket)
    assert answer.ok
    assert answer.json()["data"]["username"] == "root@pam"


@pytest.mark.real
def test_a_forged_ticket_is_none(host):
    answer = anonymous(host, Cookie="PVEAuthCookie=PVE:root@pam:6543210F::c2lnbmF0dXJl")
    assert (answer.status_code, answer.reason) == (401, "Authentication failed!")


@pytest.mark.real
@pytest.mark.parametrize("token", ["{user}!{name}=wrong", "{user}!dvz-nope=x", "dvz-ghost@pve!lab=x", "{user}=x",
                                   "nonsense"])
def test_what_is_wrong_with_a_token_is_not_told(host, token):
    """Since pve-manager 9.1.5."""
    own = {"user": host.connection["user"], "name": host.connection["token_id"]}
    answer = anonymous(host, Authorization="PVEAPIToken=" + token.format(**own))
    assert (answer.status_code, answer.reason, answer.text) == (401, "Authentication failed!", "")


def test_tokens_do_not_make_tickets_or_passwords(pve):
    answer = pve.call("PUT", "/access/password", userid="root@pam", password="longenough")
    assert (answer.status_code, answer.reason) == (
        403, "Permission check failed (URI '/access/password' not available with API token, need proper ticket.")


def test_an_expired_token_and_a_disabled_user_are_out(pve):
    pve.call("POST", "/access/users", userid="gone@pve")
    expired = token(pve, "gone@pve", expire=1_000_000)
    assert pve.call("GET", "/version", pve.session(token=expired)).status_code == 401
    good = token(pve, "gone@pve", "good")
    assert pve.call("GET", "/version", pve.session(token=good)).ok
    pve.call("PUT", "/access/users/gone@pve", enable=0)
    assert pve.call("GET", "/version", pve.session(token=good)).status_code == 401


def test_a_token_s_secret_is_shown_once(pve):
    pve.call("POST", "/access/users", userid="keeper@pve")
    token(pve, "keeper@pve", "robot", comment="for tests", privsep=0)
    shown = pve.call("GET", "/access/users/keeper@pve/token/robot").json()["data"]
    assert shown == {"comment": "for tests", "expire": 0, "privsep": 0}
    again = pve.call("POST", "/access/users/keeper@pve/token/robot")
    assert again.json()["errors"] == {"tokenid": "Token already exists."}


def test_a_user_logs_in_with_its_password_after_a_restart_too(make_pve):
    with make_pve() as own:
        own.call("POST", "/access/users", userid="eve@pve", password="s3cret-enough")
        assert own.session(user="eve@pve", password="s3cret-enough")
        before = own.connection
        own.restart()
        assert own.session(user="eve@pve", password="s3cret-enough")
        assert {key: own.connection[key] for key in ("token_secret", "fingerprint", "password")} == {
            key: before[key] for key in ("token_secret", "fingerprint", "password")}


def test_secrets_are_not_for_others_on_the_machine(pve):
    assert (pve.folder / "connection.json").stat().st_mode & 0o077 == 0
    assert pve.folder.stat().st_mode & 0o077 == 0


def test_proxmoxer_logs_in_by_password(pve):
    known = pve.connection
    api = ProxmoxAPI(known["host"], port=known["port"], user="root@pam", password=known["password"],
                     verify_ssl=known["ca_path"])
    assert api.pools.post(poolid="by-proxmoxer") is None
    with pytest.raises(AuthenticationError):
        ProxmoxAPI(known["host"], port=known["port"], user="root@pam", password="no", verify_ssl=known["ca_path"])
    with pytest.raises(ResourceException, match="401"):
        pve.api(user="root@pam", token_name="lab", token_value="no").version.get()
