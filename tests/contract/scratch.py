"""The scratch pool and the one throwaway guest in it: what a test may change on an emulator and on a real host alike."""

from __future__ import annotations

import base64
from typing import Any

from tests.contract.machines import Api

POOL = "dvz-qualification"


def mark(vmid: int) -> str:
    """The `smbios1` of a throwaway guest: a serial number that names pool and id, and that no test changes."""
    return f"serial={base64.b64encode(f'{POOL} {vmid}'.encode()).decode()},base64=1"


def is_throwaway(config: dict[str, Any], vmid: int) -> bool:
    """Was the guest made by these tests? A copy of one was not: its serial number names another id."""
    return set(mark(vmid).split(",")) <= set(str(config.get("smbios1", "")).split(","))


class Guest:
    """The throwaway guest, made anew as often as a test needs it. Paths are below that of the guest."""

    def __init__(self, api: Api, vmid: int) -> None:
        self.api = api
        self.vmid = vmid
        self.path = f"{api.base}/{vmid}"
        self.upid = ""  # of the task that made it

    @property
    def options(self) -> dict[str, Any]:
        """Of the smallest guest: without a disk, its card without a bridge and unplugged."""
        return {"vmid": self.vmid, "name": POOL, "pool": POOL, "memory": 128, "net0": "virtio,link_down=1",
                "scsihw": "virtio-scsi-single", "smbios1": mark(self.vmid)}

    # -- life ---------------------------------------------------------------------------------------------------

    def make(self, **options: Any) -> dict[str, Any]:
        """Its configuration once it is there."""
        self.upid = self.post_new(**options)
        self.api.run(self.upid)
        return self.config()

    def post_new(self, **options: Any) -> str:
        """The task that makes it."""
        return self.api.post(self.api.base, **{**self.options, **options})

    def remake(self, **options: Any) -> dict[str, Any]:
        """A new one in its place."""
        self.remove()
        return self.make(**options)

    def state(self) -> str | None:
        """running, stopped, or None when there is none. AssertionError when the id is by now someone else's."""
        answer = self.api.pve.call("GET", f"{self.path}/status/current", self.api.session)
        if not answer.ok:
            return None
        assert is_throwaway(self.config(), self.vmid), f"guest {self.vmid} is not the throwaway guest"
        return answer.json()["data"]["status"]

    def remove(self) -> None:
        """Whatever a test has left of it. AssertionError says what could not be done."""
        state = self.state()
        if state is None:
            return
        if state == "running":
            self.stop()
        if self.config().get("protection"):
            self.change(protection=0)
        self.api.run(self.api.delete(self.path, purge=1))

    def start(self) -> None:
        self.api.run(self.post("status/start"))

    def stop(self) -> None:
        self.api.run(self.post("status/stop"))

    # -- requests -----------------------------------------------------------------------------------------------

    def _below(self, path: str) -> str:
        return f"{self.path}/{path}" if path else self.path

    def get(self, path: str = "", /, **options: Any) -> Any:
        return self.api.get(self._below(path), **options)

    def post(self, path: str, /, **options: Any) -> Any:
        return self.api.post(self._below(path), **options)

    def put(self, path: str, /, **options: Any) -> Any:
        return self.api.put(self._below(path), **options)

    def refused(self, method: str, path: str = "", /, **options: Any) -> tuple[int, str]:
        """(status, text), as Api.refused tells it."""
        return self.api.refused(method, self._below(path), **options)

    def config(self, **options: Any) -> dict[str, Any]:
        return self.get("config", **options)

    def change(self, **options: Any) -> None:
        """A synchronous change."""
        self.put("config", **options)

    def pending(self) -> dict[str, dict[str, Any]]:
        """{key: row} of what is not yet in force."""
        return {row["key"]: row for row in self.get("pending") if "pending" in row or "delete" in row}

    def volumes(self, storage: str) -> set[str]:
        """Its own volumes on a storage."""
        content = f"{self.api.base.removesuffix('/qemu')}/storage/{storage}/content"
        return {row["volid"] for row in self.api.get(content, vmid=self.vmid)}


def leftovers(api: Api) -> list[Guest]:
    """Guests of the pool that an earlier run left. ValueError when the pool holds what is not provably its own."""
    answer = api.pve.call("GET", f"/pools/{POOL}", api.session)
    if not answer.ok:
        raise ValueError(f"the pool {POOL} cannot be read: {answer.status_code} {answer.reason}. tests/contract/README.md "
                         "says how to make it and the token")
    found = []
    for member in answer.json()["data"]["members"]:
        if "vmid" not in member:
            continue
        guest = Guest(Api(api.pve, node=member["node"]), member["vmid"])
        if member["type"] != "qemu" or not is_throwaway(guest.config(), guest.vmid):
            raise ValueError(f"the pool {POOL} holds guest {guest.vmid} ({member.get('name')}), which these tests did not "
                             "make: take it out of the pool")
        found.append(guest)
    return found
