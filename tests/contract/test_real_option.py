"""The option --real, tried on an emulator that plays the real host: no true one was ever asked.

The token is the one of README.md: it may read, and change the guests of the scratch pool.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import ROOT, Emulator
from tests.contract.machines import Api
from tests.contract.real_host import may_be_sent
from tests.contract.scratch import POOL, is_throwaway, mark

pytestmark = pytest.mark.emulator_only("it is about the option itself")

README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
USER = "qualify@pve"
ALL = {"PROXMOX_QUALIFICATION_STORAGE": "local-lvm", "PROXMOX_QUALIFICATION_START": "1"}


@pytest.fixture
def real_one(make_pve) -> Emulator:
    """A host with guests of others, and the pool."""
    pve = make_pve(with_template=True, time_scale=0.01)
    api = Api(pve)
    api.blank(100, name="theirs", scsi0="local-lvm:1", onboot=1)
    api.post("/pools", poolid=POOL)
    return pve


def token_of(pve: Emulator, *, audits: bool = True, storage: bool = True) -> dict[str, str]:
    """PROXMOX_* for the token whose making README.md tells."""
    api = Api(pve)
    privileges = re.search(r"pveum role add DvzQualification --privs '([^']+)'", README)
    api.post("/access/roles", roleid="DvzQualification", privs=privileges[1].replace(" ", ","))
    api.post("/access/users", userid=USER)
    secret = api.post(f"/access/users/{USER}/token/run", privsep=0)["value"]
    api.put("/access/acl", path=f"/pool/{POOL}", users=USER, roles="DvzQualification")
    if audits:
        api.put("/access/acl", path="/", users=USER, roles="PVEAuditor")
    if storage:
        api.put("/access/acl", path="/storage/local-lvm", users=USER, roles="PVEDatastoreUser")
    return {**pve.environment, "PROXMOX_USER": USER, "PROXMOX_TOKEN_ID": "run", "PROXMOX_TOKEN_SECRET": secret}


def begin(environment: dict[str, str], *options: str, only: str = "") -> subprocess.Popen[str]:
    """`pytest tests/contract --real` in a process of its own; `only` names one of its files."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:pytest-ansible", "-p", "no:cacheprovider",
               f"tests/contract/{only}", "--real", *options]
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PROXMOX_", "PYTEST_"))}
    return subprocess.Popen(command, cwd=ROOT, env={**base, **environment}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def qualify(environment: dict[str, str], *options: str, only: str = "") -> tuple[int, str, str]:
    """(exit code, all output, the report) of a whole run."""
    process = begin(environment, *options, only=only)
    output, _errors = process.communicate(timeout=400)
    return process.returncode, output, output.partition("qualification report")[2]


def told(report: str, word: str) -> list[str]:
    """Names of the tests with this outcome."""
    return re.findall(rf"^{word} +(\S+::\S+)", report, re.M)


def outside(pve: Emulator) -> dict[str, Any]:
    """All that a run could have changed, and may not."""
    api = Api(pve)
    paths = ("/pools", "/access/users", "/access/roles", "/access/groups", "/access/acl", "/storage", "/cluster/options",
             "/nodes/pve/network", f"/access/users/{USER}/token", "/nodes/pve/storage/local/content",
             "/nodes/pve/storage/local-lvm/content")
    seen = {path: sorted(json.dumps(row, sort_keys=True) for row in _rows(api.get(path))) for path in paths}
    guests = {row["vmid"]: row["status"] for row in api.get("/nodes/pve/qemu")}
    return {**seen, "guests": guests, "configurations": {vmid: api.config(vmid) for vmid in guests}}


def _rows(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def written(pve: Emulator) -> set[str]:
    """Paths of the requests of the token that were no reading ones and did not fail."""
    lines = [line.split() for line in (pve.folder / "requests.log").read_text(encoding="utf-8").splitlines()]
    return {f"{method} {path.removeprefix('/api2/json')}" for _stamp, who, method, path, status, *_rest in lines
            if who.startswith(USER) and method != "GET" and status == "200"}


def test_a_host_that_agrees(real_one):
    environment = {**token_of(real_one), **ALL}
    before = outside(real_one)
    code, output, report = qualify(environment)
    assert code == 0, output
    passed = re.search(r"^(\d+) passed", output, re.M)
    assert passed and len(told(report, "as emulated")) == int(passed[1]) >= 180
    assert told(report, "DIFFERS") == told(report, "NOT RUN") == [] and "LEFT BEHIND" not in report
    assert f"as {USER}!run" in report
    files = set(re.findall(r"^ +\d+ (test_\w+\.py): \S", report, re.M))
    assert files >= {"test_crash.py", "test_fault_rules.py", "test_node_network.py", "test_machine_clone.py"}
    assert outside(real_one) == before
    own = re.compile(r"(POST|PUT|DELETE) (/nodes/pve/qemu|/nodes/pve/qemu/101(/\S+)?)$")
    assert [line for line in written(real_one) if not own.match(line)] == []


def test_a_token_that_may_less_runs_less_and_says_why(real_one):
    environment = token_of(real_one, audits=False, storage=False)
    before = outside(real_one)
    code, output, report = qualify(environment, "-k", "every_answer or error_texts or machine_power or privilege")
    assert code == 0, output
    assert told(report, "DIFFERS") == [] and len(told(report, "as emulated")) >= 50
    left_out = re.findall(r"^NOT RUN +\S+::.+: (.+)$", report, re.M)
    for why in ("PROXMOX_QUALIFICATION_STORAGE", "PROXMOX_QUALIFICATION_START", "PVEAuditor", "Permission check failed"):
        assert [line for line in left_out if why in line], why
    assert outside(real_one) == before


def test_a_host_that_differs_is_told_what_differs(real_one):
    environment = token_of(real_one)
    real_one.fault("status", method="PUT", path="/nodes/{node}/qemu/{vmid}/config", status=500, text="not as we think")
    real_one.fault("status", method="GET", path="/cluster/options", status=500, text="of another release")
    code, output, report = qualify(environment, "-k", "machine_config or every_answer")
    real_one.clear_faults()
    assert code == 1, output
    differs = told(report, "DIFFERS")
    assert "test_machine_config.py::test_the_digest_guards_a_change" in differs
    assert "test_every_answer.py::test_what_is_read_of_a_host_is_as_described[/cluster/options]" in differs
    assert "not as we think" in report and "of another release" in report
    assert "test_every_answer.py::test_the_release_is_one_that_the_emulator_plays" in told(report, "as emulated")
    assert [row["vmid"] for row in Api(real_one).get("/nodes/pve/qemu") if row["vmid"] not in (100, 9000)] == []


def test_a_guest_that_cannot_be_removed_is_told(real_one):
    environment = token_of(real_one)
    real_one.fault("task_error", task="qmdestroy", text="no way")
    code, output, report = qualify(environment, "-k", "test_tags_are_a_sorted_set", only="test_machine_config.py")
    assert code == 1, output
    assert re.search(rf"^LEFT BEHIND +guest 101 on node pve in the pool {POOL}: .*no way", report, re.M)
    name = ["test_machine_config.py::test_tags_are_a_sorted_set"]
    assert told(report, "as emulated") == told(report, "NOT TIDIED") == name and told(report, "NOT RUN") == []
    assert 101 in [row["vmid"] for row in Api(real_one).get("/nodes/pve/qemu")]


def test_what_a_killed_run_left_is_removed_by_the_next(real_one):
    environment = {**token_of(real_one), **ALL}
    before = outside(real_one)
    process = begin(environment, only="test_machine_power.py")
    wait_for_a_running_guest(real_one)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    # A run that was quick may have stopped it again before it was killed.
    api = Api(real_one)
    assert api.ends(api.post("101/status/start")) in ("OK", "VM 101 already running")
    assert outside(real_one)["guests"] == {**before["guests"], 101: "running"}
    code, output, report = qualify(environment, only="test_permissions.py")
    assert code == 0, output
    assert re.search(r"^REMOVED +guest 101, which an earlier run had left", report, re.M)
    assert outside(real_one) == before


def wait_for_a_running_guest(pve: Emulator) -> None:
    api, deadline = Api(pve), time.monotonic() + 60
    while "running" not in {row["status"] for row in api.get("/nodes/pve/qemu")}:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_guest_of_another_in_the_pool_is_left_alone(real_one):
    """Even if it has the name of a throwaway guest and was copied from one."""
    Api(real_one).blank(105, pool=POOL, name=POOL, smbios1=mark(101))
    environment = token_of(real_one)
    before = outside(real_one)
    code, output, _report = qualify(environment, only="test_permissions.py")
    assert code == 2
    assert "holds guest 105" in output and "take it out of the pool" in output
    assert outside(real_one) == before


@pytest.mark.parametrize(("variables", "text"), [
    ({"PROXMOX_USER": ""}, "--real needs PROXMOX_USER, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET"),
    ({"PROXMOX_USER": "a@pve", "PROXMOX_TOKEN_ID": "b", "PROXMOX_TOKEN_SECRET": "c", "PROXMOX_PORT": "9"},
     "Connection refused"),
])
def test_without_a_host_it_says_what_it_needs(variables, text):
    code, output, _report = qualify({"PROXMOX_HOST": "127.0.0.1", **variables}, only="test_permissions.py")
    assert (code, text in output) == (2, True), output


def test_one_guest_is_not_shared_by_several_workers():
    code, output, _report = qualify({}, "-n", "2", only="test_permissions.py")
    assert code != 0 and "run it without -n" in output


@pytest.mark.parametrize(("method", "path", "body", "sent"), [
    ("GET", "/nodes/pve/qemu/100/config", {}, True),
    ("DELETE", "/version", {}, True),
    ("PUT", "/nodes/pve/qemu/101/config", {}, True),
    ("DELETE", "/nodes/pve/qemu/101", {}, True),
    ("PUT", "/nodes/pve/qemu/100/config", {}, False),
    ("PUT", "/nodes/pve/qemu/1010/config", {}, False),
    ("DELETE", "/nodes/pve/qemu/101/../100", {}, False),
    ("POST", "/nodes/pve/qemu", {"vmid": ["101"], "pool": [POOL]}, True),
    ("POST", "/nodes/pve/qemu", {"vmid": ["101"]}, False),
    ("POST", "/nodes/pve/qemu", {"vmid": ["100"], "pool": [POOL]}, False),
    ("POST", "/nodes/pve/startall", {"vms": ["101"]}, False),
    ("DELETE", f"/pools/{POOL}", {}, False),
    ("PUT", "/access/acl", {}, False),
])
def test_the_fence_lets_out_what_is_about_the_guest_alone(method, path, body, sent):
    assert may_be_sent(method, path, body, 101) is sent
    assert may_be_sent(method, path, body, None) is (sent and (method == "GET" or path == "/version"))


def test_a_guest_is_known_by_its_own_mark():
    assert is_throwaway({"smbios1": f"uuid=1,{mark(101)}"}, 101)
    assert not is_throwaway({"smbios1": mark(101)}, 102) and not is_throwaway({}, 101)
