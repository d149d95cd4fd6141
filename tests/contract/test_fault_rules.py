"""Faults by rule: filters, counting, and the effects that no other test file shows."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from lab.pve.faults import ACTIONS
from tests.contract.machines import Api
from tests.web_server import serve

pytestmark = pytest.mark.emulator_only("faults are injected")


@pytest.fixture(scope="module")
def api(shared_pve) -> Api:
    api = Api(shared_pve)
    for vmid in (801, 802):
        api.blank(vmid)
    return api


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_each_action_is_put_to_use_somewhere(action):
    """No action without an effect that a test looks at."""
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    assert re.search(rf"""(fault\(|fault=\()\s*"{action}\"""", sources), f"no test sets the fault {action}"


def test_delay_holds_an_answer_back(pve, api):
    pve.fault("delay", path="/version", seconds=20)  # one second at this time scale
    started = time.monotonic()
    assert pve.call("GET", "/version").ok
    assert time.monotonic() - started >= 1


def test_task_delay_keeps_a_task_running(pve, api):
    pve.fault("task_delay", task="qmstart", seconds=100, count=1)  # five seconds at this time scale
    upid = api.post("801/status/start")
    assert api.get(f"/nodes/pve/tasks/{upid}/status")["status"] == "running"
    assert upid in [task["upid"] for task in api.get("/nodes/pve/tasks", source="active")]
    assert api.ends(upid) == "OK"
    api.stop(801)


def test_task_hold_keeps_a_task_until_it_is_let_go_and_no_other_fault_goes_with_it(pve, api):
    pve.fault("task_hold", task="qmconfig", vmid=801)
    pve.fault("task_error", task="qmconfig", vmid=801, text="afterwards")
    upid = api.post("801/config", cores=2)
    assert api.get(f"/nodes/pve/tasks/{upid}/status")["status"] == "running"
    assert api.ends(api.post("802/config", cores=2)) == "OK"
    assert pve.fired("task_hold") == 1 and pve.fired("task_error") == 0
    pve.clear_faults("task_hold")
    assert api.ends(upid) == "afterwards"


def test_a_download_stops_and_leaves_no_file(pve, api, tmp_path):
    (tmp_path / "image.qcow2").write_bytes(b"QFI\xfb" + bytes(3_000_000))
    pve.fault("download_failure", count=1)
    with serve(tmp_path) as url:
        order = {"url": f"{url}/image.qcow2", "content": "import", "filename": "image.qcow2"}
        end = api.ends(api.post("/nodes/pve/storage/local/download-url", **order))
        assert end not in ("OK", "unexpected status")
        assert api.volumes("local", content="import") == set()
        api.run(api.post("/nodes/pve/storage/local/download-url", **order))
    assert api.volumes("local", content="import") == {"local:import/image.qcow2"}


def test_a_task_that_dies_at_once_leaves_the_configuration_alone(pve, api):
    before = api.config(802)["digest"]
    pve.fault("task_death", task="qmconfig", vmid=802, count=1)
    assert api.ends(api.post("802/config", cores=3)) == "unexpected status"
    assert api.config(802)["digest"] == before


def test_a_filter_by_guest_spares_the_others(pve, api):
    pve.fault("task_error", task="qmconfig", vmid=802, text="not this one")
    assert api.ends(api.post("801/config", cores=2)) == "OK"
    assert api.ends(api.post("802/config", cores=2)) == "not this one"


def test_the_nth_fires_once(pve, api):
    pve.fault("status", path="/version", nth=3, status=500, text="third")
    codes = [pve.call("GET", "/version").status_code for _number in range(5)]
    assert codes == [200, 200, 500, 200, 200]


def test_a_count_ends_a_rule(pve, api):
    pve.fault("lock_timeout", lock="lock-801", count=2)
    ends = [api.ends(api.post("801/config", cores=cores)) for cores in (3, 4, 5)]
    assert ends == ["can't lock file '/var/lock/qemu-server/lock-801.conf' - got timeout"] * 2 + ["OK"]
    assert pve.fired("lock_timeout") == 2


def test_a_probability_fires_sometimes(pve, api):
    pve.fault("status", path="/version", probability=0.5, status=500, text="a coin")
    codes = {pve.call("GET", "/version").status_code for _number in range(60)}
    assert codes == {200, 500}


def test_an_expired_login_in_the_middle_of_a_run(pve, api):
    pve.fault("unauthorized", method="POST", count=1)
    assert pve.call("GET", "/version").ok
    refused = pve.call("POST", "/pools", poolid="after-the-login-expired")
    assert (refused.status_code, refused.text) == (401, "")
    assert pve.call("GET", "/pools/after-the-login-expired").status_code == 500
