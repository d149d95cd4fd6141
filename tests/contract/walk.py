"""A walk through every operation that the emulator implements, each ending well at least once.

Each part takes a Walker, whose requests are recorded with their answers.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from lab.pve.schema.model import Schema
from tests.contract import coverage
from tests.contract.machines import Api
from tests.web_server import serve

NODE = "/nodes/pve1"  # of a cluster with pve2
# (path, query) of what a client reads of a host, and of one guest of it.
HOST_READINGS: list[tuple[str, dict[str, Any]]] = [
    ("/version", {}), ("/access/domains", {}), ("/access/ticket", {}), ("/access/roles", {}), ("/access/groups", {}),
    ("/access/users", {}), ("/access/acl", {}), ("/access/permissions", {}), ("/pools", {}),
    ("/cluster/resources", {}), *(("/cluster/resources", {"type": kind}) for kind in ("vm", "node", "storage", "sdn")),
    ("/cluster/status", {}), ("/cluster/tasks", {}), ("/cluster/options", {}), ("/cluster/nextid", {}), ("/nodes", {}),
    ("/nodes/{node}/version", {}), ("/nodes/{node}/time", {}), ("/nodes/{node}/status", {}), ("/nodes/{node}/lxc", {}),
    ("/nodes/{node}/qemu", {}), ("/nodes/{node}/qemu", {"full": 1}), ("/nodes/{node}/network", {}),
    *(("/nodes/{node}/tasks", {"source": source}) for source in ("active", "archive", "all")),
    ("/storage", {}), ("/nodes/{node}/storage", {}), ("/nodes/{node}/storage", {"format": 1})]
GUEST_READINGS: list[tuple[str, dict[str, Any]]] = [
    ("", {}), ("/config", {}), ("/config", {"current": 1}), ("/pending", {}), ("/status/current", {}),
    ("/feature", {"feature": "clone"}), ("/snapshot", {}), ("/cloudinit", {}),
    *(("/cloudinit/dump", {"type": kind}) for kind in ("user", "network", "meta"))]


class Walker(Api):
    """Requests as the administrator. `seen` has (method, path template) with the data of each good answer."""

    def __init__(self, pve: Any, schema: Schema) -> None:
        super().__init__(pve)
        self._schema = schema
        self.seen: list[tuple[coverage.Key, Any]] = []

    def _send(self, method: str, path: str, options: dict[str, Any]) -> Any:
        full = path if path.startswith("/") else f"{NODE}/qemu/{path}"
        answer = super()._send(method, full, options)
        if answer.ok:
            self.seen.append(((method, self._schema.route(full)[0]), answer.json()["data"]))
        return answer


def access(api: Walker) -> None:
    api.post("/access/ticket", username="root@pam", password=api.pve.connection["password"])
    api.post("/access/roles", roleid="Walker", privs="VM.Audit")
    api.put("/access/roles/Walker", privs="VM.Clone", append=1)
    api.get("/access/roles/Walker")
    api.post("/access/groups", groupid="walkers", comment="all of them")
    api.put("/access/groups/walkers", comment="fewer")
    api.post("/access/users", userid="walker@pve", groups="walkers", password="walks-alone", email="w@example.org")
    api.put("/access/users/walker@pve", comment="one")
    api.get("/access/groups")
    api.get("/access/groups/walkers")
    api.get("/access/users", full=1)
    api.get("/access/users/walker@pve")
    api.post("/access/users/walker@pve/token/t1", comment="first")
    api.put("/access/users/walker@pve/token/t1", comment="second")
    api.get("/access/users/walker@pve/token")
    api.get("/access/users/walker@pve/token/t1")
    api.put("/access/acl", path="/vms", roles="Walker", groups="walkers")
    api.get("/access/acl")
    api.get("/access/permissions", userid="walker@pve", path="/vms/100")
    with_token, api.session = api.session, api.pve.session(user="root@pam")  # passwords are not for tokens
    api.put("/access/password", userid="walker@pve", password="walks-again")
    api.session = with_token
    api.put("/access/acl", path="/vms", roles="Walker", groups="walkers", delete=1)
    for path in ("users/walker@pve/token/t1", "users/walker@pve", "groups/walkers", "roles/Walker"):
        api.delete(f"/access/{path}")


def cluster_and_nodes(api: Walker) -> None:
    for path, query in HOST_READINGS:
        api.get(path.format(node="pve1"), **query)


def network(api: Walker) -> None:
    api.get(f"{NODE}/network")
    api.post(f"{NODE}/network", iface="vmbr7", type="bridge", cidr="192.0.2.1/24", autostart=1, mtu=1400)
    api.get(f"{NODE}/network/vmbr7")
    api.put(f"{NODE}/network/vmbr7", type="bridge", comments="changed")
    api.get(f"{NODE}/network", type="any_bridge")
    api.run(api.put(f"{NODE}/network"))
    api.delete(f"{NODE}/network/vmbr7")
    api.delete(f"{NODE}/network")


def storages(api: Walker, folder: Path) -> None:
    api.post("/storage", storage="walk", type="dir", path="/srv/walk", content="images,import")
    api.put("/storage/walk", content="images,import,iso")
    api.get("/storage/walk")
    api.get(f"{NODE}/storage/walk/status")
    volume = api.post(f"{NODE}/storage/walk/content", filename="vm-700-loose.raw", size="1G", vmid=700, format="raw")
    api.get(f"{NODE}/storage/walk/content")
    api.get(f"{NODE}/storage/walk/content/{volume}")
    api.run(api.delete(f"{NODE}/storage/walk/content/{volume}"))
    image = folder / "image.qcow2"
    image.write_bytes(b"QFI\xfb" + bytes(5000))
    with serve(folder) as url:
        api.get(f"{NODE}/query-url-metadata", url=f"{url}/image.qcow2")
        api.run(api.post(f"{NODE}/storage/walk/download-url", url=f"{url}/image.qcow2", content="import",
                         filename="image.qcow2", checksum=hashlib.sha256(image.read_bytes()).hexdigest(),
                         **{"checksum-algorithm": "sha256"}))
    api.get(f"{NODE}/storage/walk/content", content="import")


def pools(api: Walker) -> None:
    for name in ("walk-1", "walk-2"):
        api.post("/pools", poolid=name, comment=name)
    api.put("/pools/walk-1", storage="walk")
    api.put("/pools", poolid="walk-2", vms="9000")
    api.get("/pools")
    api.get("/pools", poolid="walk-2")
    api.get("/pools/walk-1")
    api.put("/pools/walk-1", storage="walk", delete=1)
    api.put("/pools", poolid="walk-2", vms="9000", delete=1)
    api.delete("/pools/walk-1")
    api.delete("/pools", poolid="walk-2")


def machines(api: Walker) -> None:
    api.run(api.post(f"{NODE}/qemu", vmid=701, name="blank", memory=512, net0="virtio,bridge=vmbr0",
                     scsi0="local-lvm:1",
                     serial0="socket", tags="b;a", description="made\nby the walk", numa=0, vga="serial0"))
    api.run(api.post("9000/clone", newid=702, name="linked", description="a clone"))
    api.run(api.post("702/config", cores=2, ciuser="me", cipassword="secret", ipconfig0="ip=192.0.2.9/24,gw=192.0.2.1"))
    api.put("702/config", onboot=1, startup="order=2,up=5",
            sshkeys="ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIA%3D%3D%20me")
    for path, query in GUEST_READINGS:
        api.get(f"702{path}", **query)
    api.run(api.put("702/resize", disk="scsi0", size="12G"))
    api.run(api.post("701/config", scsi1="local-lvm:1"))
    api.run(api.post("701/move_disk", disk="scsi1", storage="walk"))
    api.put("701/unlink", idlist="scsi1")
    api.get("701/migrate")
    api.run(api.post("701/template"))


def running_machine(api: Walker) -> None:
    api.start(702)
    api.get("702/status/current")
    api.get("702/config")
    api.put("702/config", memory=2048, delete="description", ciuser="you")
    api.get("702/pending")
    api.get("702/cloudinit")
    api.put("702/cloudinit")
    _wait_for_agent(api)
    for name in ("info", "get-osinfo", "get-time", "get-host-name", "get-timezone", "get-users", "get-vcpus",
                 "get-fsinfo", "get-memory-blocks", "get-memory-block-info", "network-get-interfaces"):
        api.get(f"702/agent/{name}")
    for name in ("ping", "fsfreeze-status", "fsfreeze-freeze", "fsfreeze-thaw", "fstrim"):
        api.post(f"702/agent/{name}")
    api.post("702/agent/file-write", file="/tmp/walk", content="left, right")
    api.get("702/agent/file-read", file="/tmp/walk")
    pid = api.post("702/agent/exec", command=["cat", "/tmp/walk"])["pid"]
    api.get("702/agent/exec-status", pid=pid)
    api.run(api.post("702/status/reset"))
    _wait_for_agent(api)
    api.run(api.post("702/status/reboot"))
    _wait_for_agent(api)
    api.run(api.post("702/status/shutdown", timeout=60))
    api.start(702)
    api.stop(702)


def _wait_for_agent(api: Walker) -> None:
    deadline = time.monotonic() + 120
    while not api._send("POST", "702/agent/ping", {}).ok:
        assert time.monotonic() < deadline, "the agent of 702 does not answer"
        time.sleep(0.1)


def many_machines(api: Walker) -> None:
    api.run(api.post(f"{NODE}/startall", vms="702", force=1))
    api.run(api.post(f"{NODE}/stopall", vms="702"))
    api.run(api.post("/cluster/bulk-action/guest/start", vms=["702"]))
    api.run(api.post("/cluster/bulk-action/guest/shutdown", vms=["702"]))


def tasks(api: Walker) -> None:
    upid = api.post(f"{NODE}/startall", vms="702", force=1)
    task = f"{NODE}/tasks/{upid}"
    for path in (task, f"{task}/status", f"{task}/log"):
        api.get(path)
    api.run(upid)
    api.get(f"{task}/status")
    upid = api.post("702/status/shutdown", timeout=600)
    api.delete(f"{NODE}/tasks/{upid}")
    api.ends(upid)
    api.stop(702)


def migration(api: Walker) -> None:
    """Across the nodes of the cluster, with the disk copied."""
    api.run(api.post(f"{NODE}/qemu", vmid=703, memory=128))
    api.run(api.post("703/migrate", target="pve2"))


def farewell(api: Walker) -> None:
    api.run(api.delete("702", purge=1))
    api.run(api.delete("701"))
    api.delete("/storage/walk")


def plain_indexes(api: Walker, schema: Schema) -> None:
    """As root@pam itself: a few are for nobody else, not even for its tokens."""
    api.session = api.pve.session(user="root@pam")
    for method, path in sorted(coverage.indexes(schema)):
        api._done(method, coverage.example_path(path, node="pve1"), {})


def everything(api: Walker, schema: Schema, folder: Path) -> None:
    access(api)
    network(api)
    storages(api, folder)
    pools(api)
    machines(api)
    running_machine(api)
    many_machines(api)
    cluster_and_nodes(api)
    tasks(api)
    migration(api)
    farewell(api)
    plain_indexes(api, schema)
