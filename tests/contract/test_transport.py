"""The wire: envelope, bodies, error lines, connections (facts/proxmox 1.1)."""

from __future__ import annotations

import json
import resource
import socket
import ssl

import pytest
import requests

from tests.contract.coverage import VERSIONS

pytestmark = pytest.mark.emulator_only("faults are injected, pools or users are made, or the emulator itself is looked at")

NOWHERE = "no-such-node-here"


def raw(pve, request: bytes, *, wait: float = 60) -> bytes:
    """Send bytes over TLS and read until the server closes or `wait` seconds are over."""
    context = ssl.create_default_context(cafile=pve.connection["ca_path"])
    with socket.create_connection((pve.connection["host"], pve.connection["port"]), timeout=wait) as plain, \
            context.wrap_socket(plain, server_hostname=pve.connection["host"]) as connection:
        connection.sendall(request)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            pass
        return received


def head(pve, method: str, path: str, *more: str) -> bytes:
    token = pve.session().headers["Authorization"]
    lines = [f"{method} /api2/json{path} HTTP/1.1", "Host: pve", f"Authorization: {token}", *more, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.real
def test_an_answer_is_wrapped_in_data(host):
    answer = host.call("GET", "/version")
    assert answer.status_code == 200
    assert set(answer.json()) == {"data"}
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["Server"] == "pve-api-daemon/3.0"


def test_certificate_is_signed_by_the_clusters_own_ca(pve):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{pve.url}/api2/json/version", timeout=60)
    assert pve.call("GET", "/version").ok


@pytest.mark.real
def test_form_and_json_bodies_are_equal(host, guest):
    url = f"{host.url}/api2/json{guest.path}/config"
    for body in ({"data": {"description": "a b+c"}}, {"json": {"description": "a b+c"}}):
        guest.change(delete="description")
        answer = host.session().put(url, timeout=60, **body)
        assert answer.ok, answer.text
        assert guest.config()["description"] == "a b+c\n"


@pytest.mark.real
@pytest.mark.parametrize("value", ["True", "true", "yes", "on", ""])
def test_a_form_boolean_is_1_or_0_and_nothing_else(guest, value):
    assert guest.refused("PUT", "config", onboot=value) == (
        400, f"onboot: type check ('boolean') failed - got '{value}'")


@pytest.mark.real
def test_json_true_and_false_are_booleans(host, guest):
    answer = host.session().put(f"{host.url}/api2/json{guest.path}/config", json={"tablet": False}, timeout=60)
    assert answer.ok, answer.text
    assert guest.config()["tablet"] == 0


@pytest.mark.real
def test_first_line_of_an_error_is_the_reason_and_all_of_it_the_message(host):
    answer = host.call("GET", f"/nodes/{NOWHERE}/qemu")
    assert answer.status_code == 500
    assert answer.reason.startswith(f"hostname lookup '{NOWHERE}' failed - failed to get address info for: {NOWHERE}:")
    assert answer.json() == {"data": None, "message": answer.reason + "\n"}


def test_an_old_server_sends_no_message(make_pve):
    with make_pve(no_message=True) as old:
        answer = old.call("GET", "/nodes/nowhere/status")
        assert answer.reason.startswith("hostname lookup")
        assert answer.json() == {"data": None}


@pytest.mark.real
def test_unknown_path_and_unknown_verb_are_501(host):
    assert host.call("GET", "/no/such/path").reason == "Method 'GET /no/such/path' not implemented"
    assert host.call("DELETE", "/version").status_code == 501


@pytest.mark.real
def test_a_login_is_asked_for_even_on_an_unknown_path(host):
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"{host.url}/api2/json/no/such", verify=host.verify, timeout=60)
    assert (answer.status_code, answer.reason) == (401, "No ticket")


@pytest.mark.real
def test_a_parameter_of_the_path_cannot_be_contradicted(host, node):
    answer = host.call("GET", f"/nodes/{node}/tasks", node="other")
    assert answer.json()["errors"] == {
        "node": "duplicate parameter (already defined in URI) with conflicting values!"}
    assert host.call("GET", f"/nodes/{node}/tasks", node=node).ok


@pytest.mark.real
def test_the_query_wins_over_the_body(host, guest):
    answer = host.session().put(f"{host.url}/api2/json{guest.path}/config?description=query",
                                data={"cores": 1, "description": "body"}, timeout=60)
    assert answer.ok, answer.text
    assert guest.config()["description"] == "query\n"


def test_a_path_of_the_description_that_nobody_wrote_is_501_and_never_faked(pve):
    answer = pve.call("GET", "/cluster/ha/resources")
    assert (answer.status_code, answer.reason) == (501, "Method 'GET /cluster/ha/resources' not implemented")


@pytest.mark.real
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_on_get_and_delete_is_501(host, method):
    answer = host.session().request(method, f"{host.url}/api2/json/version", data={"poolid": "x"}, timeout=60)
    assert (answer.status_code, answer.reason) == (501, f"Unexpected content for method '{method}'")


@pytest.mark.real
def test_a_chunked_body_is_501(host, guest):
    answer = host.session().put(f"{host.url}/api2/json{guest.path}/config", data=iter([b"cores=1"]), timeout=60)
    assert (answer.status_code, answer.reason) == (501, "chunked transfer encoding not supported")


@pytest.mark.real
def test_a_body_over_512_kib_is_refused(host, guest):
    answer = host.call("PUT", f"{guest.path}/config", description="x" * (512 * 1024))
    assert (answer.status_code, answer.reason) == (501, "for data too large")


@pytest.mark.real
def test_broken_json_is_an_error_not_a_crash(host, guest):
    answer = host.session().put(f"{host.url}/api2/json{guest.path}/config", data=b"{", timeout=60,
                                headers={"Content-Type": "application/json"})
    assert answer.status_code == 500
    assert "malformed JSON" in answer.reason


@pytest.mark.real
def test_an_error_closes_the_connection(host):
    assert host.call("GET", "/version").headers.get("Connection") != "close"
    assert host.call("GET", "/no/such").headers["Connection"] == "close"
    received = raw(host, head(host, "GET", "/no/such"))
    assert received.startswith(b"HTTP/1.1 501 Method 'GET /no/such' not implemented\r\n")


def test_a_quiet_connection_is_closed_by_the_server(pve):
    received = raw(pve, head(pve, "GET", "/version"), wait=60)
    assert received.count(b"HTTP/1.1 200") == 1  # recv came to an end by the server's close, not by our timeout


@pytest.mark.real
def test_a_connection_serves_a_hundred_requests(host):
    session = host.session()
    seen = [host.call("GET", "/version", session).headers.get("Connection") for _number in range(100)]
    assert seen == [None] * 99 + ["close"]


def test_requests_are_counted_by_method_and_template(pve):
    pve.requests(reset=True)
    pve.call("GET", "/nodes/pve/status")
    pve.call("GET", "/nodes/pve/status")
    pve.call("POST", "/pools", poolid="bad id")
    counted = pve.requests()
    assert counted == {"total": 3, "by": {"GET /nodes/{node}/status": 2, "POST /pools": 1}}


@pytest.mark.real
def test_proxmoxer_reads_answers_and_errors(host, node):
    from proxmoxer import ResourceException

    api = host.api()
    assert api.version.get()["release"] in VERSIONS
    assert node in [entry["node"] for entry in api.nodes.get()]
    with pytest.raises(ResourceException, match="hostname lookup"):
        api.nodes(NOWHERE).qemu.get()


def test_starts_in_a_moment(make_pve):
    """Two seconds of work at most, also the end of it: the time on the clock is the machine's, whatever else it does."""
    make_pve().stop()  # the schema is in the cache now
    began = _seconds_of_children()
    emulator = make_pve()
    assert emulator.call("GET", "/version").ok
    emulator.stop()
    assert 0.05 < _seconds_of_children() - began < 2


def _seconds_of_children() -> float:
    """Processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class TestFaults:
    def test_596_leaves_the_work_done(self, pve):
        pve.fault("status596_after_work", method="POST", path="/pools", count=1)
        answer = pve.call("POST", "/pools", poolid="done-anyway")
        assert (answer.status_code, answer.reason) == (596, "Connection timed out")
        assert pve.call("GET", "/pools/done-anyway").ok

    def test_reset_after_write_leaves_the_work_done(self, pve):
        pve.fault("reset_after_write", path="/pools", method="POST")
        with pytest.raises(requests.exceptions.ConnectionError):
            pve.call("POST", "/pools", poolid="reset-anyway")
        pve.clear_faults()
        assert pve.call("GET", "/pools/reset-anyway").ok

    def test_reset_before_work_does_nothing(self, pve):
        pve.fault("reset_before_work", path="/pools", method="POST")
        with pytest.raises(requests.exceptions.ConnectionError):
            pve.call("POST", "/pools", poolid="never")
        pve.clear_faults()
        assert pve.call("GET", "/pools/never").status_code == 500

    def test_any_status_at_the_nth_request(self, pve):
        pve.fault("status", path="/version", nth=2, status=599, text="Too many redirections")
        assert [pve.call("GET", "/version").status_code for _number in range(3)] == [200, 599, 200]

    def test_a_path_may_be_a_regular_expression(self, pve):
        pve.fault("status", path="~^/nodes/.*/status$", status=500, text="emulated")
        assert pve.call("GET", "/nodes/pve/status").reason == "emulated"
        assert pve.call("GET", "/nodes/pve/version").ok

    def test_login_lost_in_the_middle(self, pve):
        pve.fault("unauthorized", nth=2)
        answers = [pve.call("GET", "/version") for _number in range(3)]
        assert [answer.status_code for answer in answers] == [200, 401, 200]
        assert answers[1].reason == "Authentication failed!"

    def test_no_quorum_stops_writes_only(self, pve):
        pve.fault("no_quorum")
        assert pve.call("GET", "/pools").ok
        assert "no quorum" in pve.call("POST", "/pools", poolid="lonely").reason

    def test_a_node_that_is_off(self, pve):
        pve.fault("node_offline", node="pve")
        assert pve.call("GET", "/nodes/pve/status").status_code == 595
        assert pve.call("GET", "/version").ok

    def test_a_wrong_rule_is_refused_and_named(self, pve):
        with pytest.raises(ValueError, match="nonsense"):
            pve.fault("nonsense")

    def test_rules_tell_what_they_did(self, pve):
        pve.fault("delay", path="/version", seconds=0)
        pve.call("GET", "/version")
        (rule,) = pve.lab("GET", "/lab/faults")
        assert (rule["seen"], rule["fired"]) == (1, 1)


def test_command_line_shows_requests_and_sets_faults(pve):
    import subprocess
    import sys

    from lab.pve.process import ROOT

    def lab(*words: str) -> str:
        return subprocess.run([sys.executable, "-m", "lab", *words, "--state", str(pve.folder)], cwd=ROOT, check=True,
                              capture_output=True, text=True).stdout

    assert json.loads(lab("requests"))["total"] >= 0
    assert json.loads(lab("fault", "action=status", "status=500", "path=/version"))["status"] == 500
    assert pve.call("GET", "/version").status_code == 500
    assert json.loads(lab("fault", "--clear")) == []


def test_localhost_is_the_node_that_answers(pve):
    assert pve.call("GET", "/nodes/localhost/status").json()["data"]["cpuinfo"]["cpus"] == 16
