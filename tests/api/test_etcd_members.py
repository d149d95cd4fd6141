"""Snapshots, their restore and the removal of members, on real etcd members."""

from __future__ import annotations

import base64
import functools
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._etcd_snapshot import save_snapshot
from ansible_collections.detectviz.infra.plugins.module_utils._etcdutl import restore_snapshot, snapshot_status
from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import etcd_view
from ansible_collections.detectviz.infra.plugins.module_utils._kubernetes_https import Credentials, HttpsJson

from tests.api import binaries
from tests.api.control_plane import _free_ports
from tests.api.etcd_members import EtcdMembers
from tests.api.modules import Result, run_module

ADDRESSES = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
KEY, VALUE = base64.b64encode(b"a").decode(), base64.b64encode(b"kept").decode()
PEER_PORT = 2380
"""etcdutl writes it into what it restores, as kubeadm has it; the addresses are of the loopback alone."""


def unstarted(folder: Path) -> EtcdMembers:
    try:
        program = binaries.find()["etcd"]
    except binaries.NoBinaries as missing:
        pytest.skip(str(missing))
    return EtcdMembers(folder, program, ADDRESSES, (_free_ports(1)[0], PEER_PORT))


def begin_anew(etcd: EtcdMembers, address: str) -> None:
    """The member loses its data, and is a cluster by itself."""
    etcd.kill(address)
    shutil.rmtree(etcd.data(address))
    etcd.start(address, {etcd.name(address): address})
    etcd.wait(address)


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdMembers]:
    """Three members with a key in them."""
    members = unstarted(tmp_path)
    try:
        for address in ADDRESSES:
            members.start(address)
        for address in ADDRESSES:
            members.wait(address)
        members.call(ADDRESSES[0], "/v3/kv/put", {"key": KEY, "value": VALUE})
        yield members
    finally:
        members.stop()


@pytest.fixture
def etcd_member(etcd: EtcdMembers, tmp_path: Path) -> Callable[..., Result]:
    """Runs the module with the given options."""
    return functools.partial(run_module, "etcd_member", tmp_path, **etcd.options)


def credentials(etcd: EtcdMembers) -> Credentials:
    return Credentials(str(etcd.ca), str(etcd.certificate), str(etcd.key))


def etcdutl(arguments: list[str], _folder: Path) -> str:
    """The lab's own etcdutl, in place of that in etcd's image."""
    folder = binaries.find()["etcd"].parents[1]
    program = next(path for path in sorted(folder.rglob("etcdutl")) if path.is_file())
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_dead_member_is_removed_and_a_second_time_there_is_nothing_to_do(
    etcd: EtcdMembers, etcd_member: Callable[..., Result]
) -> None:
    dead, asked = ADDRESSES[0], ADDRESSES[1]
    etcd.kill(dead)
    assert etcd_member(address=asked, member=dead, check=True)["changed"]
    result = etcd_member(address=asked, member=dead)
    assert result["changed"] and sorted(result["members"]) == ADDRESSES[1:]
    listed = etcd.call(asked, "/v3/cluster/member/list", {})["members"]
    assert sorted(item["name"] for item in listed) == ["m12", "m13"]
    assert not etcd_member(address=asked, member=dead)["changed"]


def test_a_living_member_is_not_removed_beside_a_dead_one(etcd: EtcdMembers, etcd_member: Callable[..., Result]) -> None:
    etcd.kill(ADDRESSES[0])
    result = etcd_member(address=ADDRESSES[1], member=ADDRESSES[2])
    assert result.failed and "bring 127.0.0.11 back first" in result.message
    assert len(etcd.call(ADDRESSES[1], "/v3/cluster/member/list", {})["members"]) == 3


def test_a_member_that_began_a_cluster_of_its_own_is_not_counted(
    etcd: EtcdMembers, etcd_member: Callable[..., Result]
) -> None:
    lost = ADDRESSES[0]
    begin_anew(etcd, lost)
    result = etcd_member(address=ADDRESSES[1], member=ADDRESSES[2])
    assert result.failed and f"What answers at {lost} is of another cluster" in result.message, result.message
    assert len(etcd.call(ADDRESSES[1], "/v3/cluster/member/list", {})["members"]) == 3
    assert sorted(etcd_member(address=ADDRESSES[1], member=lost)["members"]) == ADDRESSES[1:]


def test_a_first_member_that_begins_anew_has_the_same_ids_and_is_not_counted(tmp_path: Path) -> None:
    """As kubeadm's first master does without its data."""
    etcd = unstarted(tmp_path)
    first, joined = ADDRESSES[:2]
    try:
        etcd.start(first, {etcd.name(first): first})
        etcd.wait(first)
        etcd.call(first, "/v3/cluster/member/add", {"peerURLs": [f"https://{joined}:{PEER_PORT}"]})
        etcd.start(joined, {etcd.name(item): item for item in (first, joined)}, "existing")
        etcd.wait(joined)
        before = etcd.call(first, "/v3/maintenance/status", {})["header"]
        begin_anew(etcd, first)
        after = etcd.call(first, "/v3/maintenance/status", {})["header"]
        assert [before[key] == after[key] for key in ("cluster_id", "member_id")] == [True, True]
        result = run_module("etcd_member", tmp_path, check=True, address=joined, member=first, **etcd.options)
        assert result.failed and f"1 of 2 members answer ({joined})" in result.message, result.message
    finally:
        etcd.stop()


def test_without_the_majority_nothing_is_removed_and_the_snapshot_is_still_to_be_had(
    etcd: EtcdMembers, etcd_member: Callable[..., Result], tmp_path: Path
) -> None:
    etcd.kill(ADDRESSES[0])
    etcd.kill(ADDRESSES[1])
    result = etcd_member(address=ADDRESSES[2], member=ADDRESSES[0])
    assert result.failed and "lost its majority" in result.message, result.message
    assert save_snapshot(ADDRESSES[2], etcd.port, credentials(etcd), tmp_path / "snapshot.db") > 1000


def test_a_snapshot_restored_on_all_members_is_the_cluster_as_it_was(etcd: EtcdMembers, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.db"
    save_snapshot(ADDRESSES[0], etcd.port, credentials(etcd), snapshot)
    assert snapshot.stat().st_mode & 0o077 == 0
    before = snapshot_status(etcdutl, snapshot)
    assert before["keys"] == 1
    etcd.call(ADDRESSES[0], "/v3/kv/put", {"key": KEY, "value": base64.b64encode(b"lost").decode()})
    etcd.stop()
    members = {etcd.name(address): address for address in ADDRESSES}
    for address in ADDRESSES:
        subprocess.run(["rm", "-r", etcd.data(address)], check=True)
        restore_snapshot(etcdutl, snapshot, etcd.data(address), etcd.name(address), members, "restored-1")
        etcd.start(address)
    for address in ADDRESSES:
        etcd.wait(address)
        found = etcd.call(address, "/v3/kv/range", {"key": KEY})
        assert found["kvs"][0]["value"] == VALUE
        assert int(found["header"]["revision"]) > 1_000_000_000
    assert len(etcd.call(ADDRESSES[0], "/v3/cluster/member/list", {})["members"]) == 3


def test_nobody_there_is_told(etcd: EtcdMembers, tmp_path: Path) -> None:
    etcd.kill(ADDRESSES[0])
    with pytest.raises(InfraError, match=r"127\.0\.0\.11.* gives no snapshot"):
        save_snapshot(ADDRESSES[0], etcd.port, credentials(etcd), tmp_path / "snapshot.db")
    assert not (tmp_path / "snapshot.db").exists()


def test_a_member_that_is_left_alone_tells_who_the_others_are_and_that_it_has_no_leader(etcd: EtcdMembers) -> None:
    left = HttpsJson(ADDRESSES[0], etcd.port, credentials(etcd))
    seen = etcd_view(left)
    assert seen is not None and seen["leader"]
    for address in ADDRESSES[1:]:
        etcd.kill(address)
    for _try in range(100):
        seen = etcd_view(left)
        if seen is not None and not seen["leader"]:
            break
        time.sleep(0.2)
    assert seen is not None and not seen["leader"]
    assert [member["address"] for member in sorted(seen["members"], key=lambda item: item["name"])] == ADDRESSES
    etcd.kill(ADDRESSES[0])
    assert etcd_view(left) is None
