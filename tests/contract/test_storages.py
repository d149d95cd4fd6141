"""Storages: what they hold, downloads, space, storage.cfg, locks (facts/proxmox 1.3 storage, 4)."""

from __future__ import annotations

import hashlib
import struct
import time

import pytest

from tests.contract.machines import BASE, Api
from tests.web_server import serve

pytestmark = pytest.mark.emulator_only("it changes storages of the whole host, or needs several")

QCOW2 = b"QFI\xfb" + struct.pack(">I", 3) + bytes(16) + struct.pack(">Q", 3 * 2**30) + b"\0" * 4000
LOCAL = "/nodes/pve/storage/local"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(address, sha256) of a web server with a cloud image."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "image.img").write_bytes(QCOW2)
    with serve(folder) as url:
        yield url, hashlib.sha256(QCOW2).hexdigest()


@pytest.fixture
def api(pve):
    return Api(pve)


def download(api, url, filename="cloud.qcow2", **options):
    return api.post(f"{LOCAL}/download-url", content="import", filename=filename, url=url, **options)


def test_an_image_is_fetched_checked_and_imported(api, files):
    url, sha = files
    api.run(download(api, f"{url}/image.img", checksum=sha, **{"checksum-algorithm": "sha256"}))
    row = next(row for row in api.get(f"{LOCAL}/content", content="import"))
    assert row["volid"] == "local:import/cloud.qcow2" and row["format"] == "qcow2" and row["size"] == len(QCOW2)
    config = api.blank(100, scsi0="local-lvm:0,import-from=local:import/cloud.qcow2,discard=on")
    assert config["scsi0"] == "local-lvm:vm-100-disk-0,discard=on,size=3G"


def test_a_file_that_is_there_is_not_fetched_again(api, files):
    url, sha = files
    options = {"checksum": sha, "checksum-algorithm": "sha256", "filename": "twice.qcow2"}
    api.run(download(api, f"{url}/image.img", **options))
    upid = download(api, f"{url}/image.img", **options)
    api.run(upid)
    assert "OK, got correct file already, no need to download" in api.log(upid)
    assert "refusing to override existing file" in api.ends(download(api, f"{url}/image.img", filename="twice.qcow2"))


def test_a_wrong_sum_leaves_no_file(api, files):
    url, sha = files
    end = api.ends(download(api, f"{url}/image.img", filename="bad.qcow2", checksum="0" * 64,
                            **{"checksum-algorithm": "sha256"}))
    assert end == f"checksum mismatch: got '{sha}' != expect '{'0' * 64}'"
    assert "local:import/bad.qcow2" not in api.volumes("local")
    assert "download failed" in api.ends(download(api, f"{url}/nothing", filename="bad.qcow2"))


@pytest.mark.parametrize(("storage", "options", "status", "text"), [
    ("local", {"filename": "x.img"}, 400, "filename: invalid filename or wrong extension"),
    ("local", {"content": "iso", "filename": "x.qcow2"}, 400, "filename: wrong file extension"),
    ("local-lvm", {}, 500, "can't upload to storage type 'lvmthin', not a file based storage!"),
    ("local", {"checksum": "x"}, 400, "checksum"),
    ("local", {"url": "ftp://x/y"}, 400, "url: value does not match the regex pattern"),
])
def test_what_cannot_be_downloaded(api, storage, options, status, text):
    wanted = {"content": "import", "filename": "x.qcow2", "url": "http://127.0.0.1:9/x", **options}
    got = api.refused("POST", f"/nodes/pve/storage/{storage}/download-url", **wanted)
    assert got[0] == status and text in got[1]


def test_content_types_are_enforced_and_can_be_changed(api):
    api.put("/storage/local", content="iso,vztmpl,backup")
    got = api.refused("POST", f"{LOCAL}/download-url", content="import", filename="x.qcow2", url="http://127.0.0.1:9/x")
    assert got == (500, "storage 'local' is not configured for content-type 'import'")
    api.put("/storage/local", content="iso,vztmpl,backup,snippets,import")
    assert api.get("/storage/local")["content"] == "backup,import,iso,snippets,vztmpl"


def test_metadata_of_a_url(api, files):
    found = api.get("/nodes/pve/query-url-metadata", url=f"{files[0]}/image.img")
    assert found["size"] == len(QCOW2) and found["filename"] == "image.img"
    _status, text = api.refused("GET", "/nodes/pve/query-url-metadata", url=f"{files[0]}/no")
    assert text.startswith("invalid server response")


def test_thin_space_counts_what_is_written(api):
    before = api.get("/nodes/pve/storage/local-lvm/status")["used"]
    api.blank(110, scsi0="local-lvm:50")
    assert api.get("/nodes/pve/storage/local-lvm/status")["used"] == before


def test_thick_storage_runs_full(api):
    api.post("/storage", storage="thick", type="lvm", vgname="vg", content="images")
    total = api.get("/nodes/pve/storage/thick/status")["total"] // 2**30
    api.blank(111, scsi0=f"thick:{total - 1}")
    assert api.get("/nodes/pve/storage/thick/status")["avail"] == 2**30
    assert api.ends(api.post(BASE, vmid=112, scsi0="thick:2")) == (
        f"unable to create VM 112 - not enough free space ({2**30} < {2 * 2**30})")
    api.remove(111)
    api.delete("/storage/thick")


def test_volumes_of_a_guest_are_not_deleted_behind_its_back(api):
    api.blank(113, scsi0="local-lvm:1")
    status, text = api.refused("DELETE", "/nodes/pve/storage/local-lvm/content/local-lvm:vm-113-disk-0")
    assert status == 500 and text.startswith("Cannot remove image, a guest with VMID '113' exists!")
    volid = api.post("/nodes/pve/storage/local-lvm/content", vmid=999, filename="vm-999-disk-0", size="1G")
    api.run(api.delete(f"/nodes/pve/storage/local-lvm/content/{volid}"))
    assert volid not in api.volumes()


def test_a_storage_is_known_only_where_it_is(make_pve):
    api = Api(make_pve(nodes=2))
    api.post("/storage", storage="second", type="dir", path="/mnt/second", content="images", nodes="pve2")
    assert "second" not in {row["storage"] for row in api.get("/nodes/pve1/storage")}
    assert "second" in {row["storage"] for row in api.get("/nodes/pve2/storage")}
    assert api.refused("GET", "/nodes/pve1/storage/second/status") == (
        500, "storage 'second' is not available on node 'pve1'")
    assert api.refused("GET", "/nodes/pve1/storage/none/status") == (500, "storage 'none' does not exist")


def test_allocations_on_one_storage_are_serial(make_pve):
    """The lock is held for each allocation: n of them cannot take less than n holds."""
    api = Api(make_pve(time_scale=1))
    before = time.monotonic()
    upids = [api.post(BASE, vmid=200 + number, scsi0="local-lvm:1") for number in range(6)]
    for upid in upids:
        api.run(upid)
    assert time.monotonic() - before >= 6 * 0.5


def test_a_long_queue_on_a_storage_times_out(make_pve):
    """facts/proxmox 4: ten seconds of waiting, then the lock's own text."""
    api = Api(make_pve(time_scale=0.1))
    disks = {f"scsi{number}": "local-lvm:1" for number in range(5)}
    api.pve.fault("task_hold", task="qmcreate")  # so that all are there before the first begins
    upids = [api.post(BASE, vmid=200 + number, **disks) for number in range(40)]
    api.pve.clear_faults()
    ends = {api.ends(upid) for upid in upids}
    text = "can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout"
    assert len(ends) > 1 and all(end == "OK" or end.endswith(text) for end in ends)


def test_a_shared_storage_has_one_lock_for_the_cluster(make_pve):
    pve = make_pve(nodes=2, profile="rbd")
    api = Api(pve)
    pve.fault("lock_timeout", lock="storage-ceph", count=1)
    upid = api.post("/nodes/pve2/qemu", vmid=100, scsi0="ceph:1")
    assert api.ends(upid) == "unable to create VM 100 - cfs-lock 'storage-ceph' error: got lock request timeout"
    api.run(api.post("/nodes/pve2/qemu", vmid=100, scsi0="ceph:1"))
    seen = {row["volid"] for row in api.get("/nodes/pve1/storage/ceph/content")}
    assert seen == {"ceph:vm-100-disk-0"}
