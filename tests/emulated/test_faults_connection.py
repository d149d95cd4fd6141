"""Ways in which the API is not there, is somebody else, or goes away while a run is under way."""

from __future__ import annotations

import json

import pytest

from tests.emulated.clone_runs import Outcome, Site, row
from tests.emulated.waiting import until_held

CLONE = "/nodes/{node}/qemu/{vmid}/clone"
CONFIG = "/nodes/{node}/qemu/{vmid}/config"


def test_a_name_that_the_certificate_does_not_have_is_refused_before_anything_is_sent(
    site: Site, first_id: int
) -> None:
    """127.1 is this machine too, but no name of the certificate."""
    refused = site.run([row(first_id)], api_host="127.1")
    assert refused.failed and "is not trusted" in refused.message and "127.1" in refused.message
    assert "an api_host that the certificate names" in refused.message
    assert refused.requests["total"] == 0


def test_a_certificate_of_an_unknown_authority_is_refused(site: Site, first_id: int) -> None:
    refused = site.run([row(first_id)], ca_path=None)
    assert refused.failed and "is not trusted" in refused.message and "/etc/pve/pve-root-ca.pem" in refused.message
    assert refused.requests["total"] == 0


def test_a_file_of_authorities_that_is_not_there_is_named(site: Site, first_id: int) -> None:
    refused = site.run([row(first_id)], ca_path="/nowhere/ca.pem")
    assert refused.failed and "ca_path /nowhere/ca.pem cannot be used: No such file" in refused.message
    file = site.folder / "ca.pem"
    file.write_text("not a certificate", encoding="utf-8")
    refused = site.run([row(first_id)], ca_path=str(file))
    assert refused.failed and "cannot be used" in refused.message and "/etc/pve/pve-root-ca.pem" in refused.message


def test_the_right_fingerprint_is_enough(site: Site, first_id: int) -> None:
    done = site.run(
        [row(first_id)], check=True, ca_path=None, api_host="127.1", api_fingerprint=site.pve.connection["fingerprint"]
    )
    assert not done.failed, done.message


def test_a_token_that_is_withdrawn_in_the_middle_stops_the_run_and_the_next_token_goes_on(
    site: Site, first_id: int
) -> None:
    tokens = site.pve.api().access.users("root@pam").token
    secret = tokens(f"t{first_id}").post(privsep=0)["value"]
    short = Site(site.pve, site.folder, site.name, ("root@pam", f"t{first_id}", secret))
    site.pve.fault("task_hold", task="qmclone")
    site.pve.requests(reset=True)
    running = short.start([row(first_id), row(first_id + 1)])
    until_held(site.pve, running, tasks=2)
    tokens(f"t{first_id}").delete()
    output, _errors = running.communicate(timeout=300)
    done = Outcome(json.loads(output), site.pve.requests())
    assert done.failed and done.result["summary"]["failed"] == 2
    for vm_id in (first_id, first_id + 1):
        whole = done.guest(vm_id)["error"]
        assert f"guest-{vm_id} ({vm_id}): clone template 9000" in whole and "answered 401" in whole
        assert "that the token has not expired" in whole and "UPID:pve:" in whole
    site.pve.clear_faults()
    mended = site.run([row(first_id), row(first_id + 1)])
    assert not mended.failed, mended.message
    again = site.run([row(first_id), row(first_id + 1)])
    assert not again.changed and again.writes() == {}


@pytest.mark.parametrize("path", [CLONE, CONFIG])
def test_writes_that_are_never_answered_are_not_sent_twice(site: Site, first_id: int, path: str) -> None:
    """596 with the work done, whatever is asked: each write is done once and found by reading."""
    site.pve.fault("status596_after_work", method="POST", path=path)
    done = site.run([row(first_id)])
    assert not done.failed, done.message
    assert done.writes()[f"POST {path}"] == 1
    site.pve.clear_faults()
    again = site.run([row(first_id)])
    assert not again.changed and again.writes() == {}


def test_a_node_that_goes_offline_is_told(site: Site, first_id: int) -> None:
    site.pve.fault("node_offline", node="pve", path=CONFIG, method="POST")
    done = site.run([row(first_id)], timeout=20)
    assert done.failed
    for text in (f"guest-{first_id} ({first_id}): configure", "595", "so the outcome is not known"):
        assert text in done.message, done.message
    site.pve.clear_faults()
    assert not site.run([row(first_id)]).failed
    assert not site.run([row(first_id)]).changed


def test_a_cluster_without_quorum_is_told(site: Site, first_id: int) -> None:
    site.pve.fault("no_quorum")
    done = site.run([row(first_id)])
    assert done.failed and f"guest-{first_id} ({first_id}): clone" in done.message and "no quorum" in done.message
    site.pve.clear_faults()
    assert not site.run([row(first_id)]).failed
    assert not site.run([row(first_id)]).changed


def test_without_credentials_the_variables_and_the_making_of_a_token_are_told(site: Site, first_id: int) -> None:
    refused = site.run([row(first_id)], api_user=None, api_token_id=None, api_token_secret=None, api_host=None)
    assert refused.failed and refused.requests["total"] == 0
    for text in ("PROXMOX_HOST", "PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET", "pveum user token add"):
        assert text in refused.message, refused.message
