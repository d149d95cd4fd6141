"""Short words for tests about virtual machines: requests that must succeed, or must fail with a text."""

from __future__ import annotations

from typing import Any

BASE = "/nodes/pve/qemu"


class Api:
    """Requests as one identity (the administrator unless a token is given)."""

    def __init__(self, pve: Any, token: str | None = None, node: str = "pve") -> None:
        self.pve = pve
        self.base = f"/nodes/{node}/qemu"
        self.session = pve.session(token)

    def _send(self, method: str, path: str, options: dict[str, Any]) -> Any:
        return self.pve.call(method, path if path.startswith("/") else f"{self.base}/{path}", self.session, **options)

    def get(self, path: str, /, **options: Any) -> Any:
        return self._done("GET", path, options)

    def post(self, path: str, /, **options: Any) -> Any:
        return self._done("POST", path, options)

    def put(self, path: str, /, **options: Any) -> Any:
        return self._done("PUT", path, options)

    def delete(self, path: str, /, **options: Any) -> Any:
        return self._done("DELETE", path, options)

    def _done(self, method: str, path: str, options: dict[str, Any]) -> Any:
        answer = self._send(method, path, options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def refused(self, method: str, path: str, /, **options: Any) -> tuple[int, str]:
        """(status, text); for a 400 the text is that of its parameters."""
        answer = self._send(method, path, options)
        assert not answer.ok, f"{method} {path} was not refused: {answer.text}"
        body = answer.json() if answer.text else {}
        errors = body.get("errors")
        return answer.status_code, " ".join(f"{k}: {v}" for k, v in errors.items()) if errors else answer.reason

    def run(self, upid: str) -> None:
        """The task ends with OK."""
        status = self.pve.wait(upid)
        assert status == "OK", f"{upid}: {status}\n" + "\n".join(self.log(upid))

    def ends(self, upid: str) -> str:
        """How the task ends."""
        return self.pve.wait(upid)

    def log(self, upid: str) -> list[str]:
        return [line["t"] for line in self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/log", limit=500)]

    # -- machines -----------------------------------------------------------------------------------------------

    def blank(self, vmid: int, **options: Any) -> dict[str, Any]:
        """A new machine of the smallest kind; its configuration."""
        self.run(self.post(self.base, vmid=vmid, memory=512, **options))
        return self.config(vmid)

    def clone(self, vmid: int, source: int = 9000, **options: Any) -> dict[str, Any]:
        self.run(self.post(f"{source}/clone", newid=vmid, **options))
        return self.config(vmid)

    def config(self, vmid: int, **options: Any) -> dict[str, Any]:
        return self.get(f"{vmid}/config", **options)

    def change(self, vmid: int, **options: Any) -> None:
        """A synchronous change."""
        self.put(f"{vmid}/config", **options)

    def pending(self, vmid: int) -> dict[str, dict[str, Any]]:
        """{key: row} of what is not yet in force."""
        return {row["key"]: row for row in self.get(f"{vmid}/pending") if "pending" in row or "delete" in row}

    def start(self, vmid: int) -> None:
        self.run(self.post(f"{vmid}/status/start"))

    def stop(self, vmid: int) -> None:
        self.run(self.post(f"{vmid}/status/stop"))

    def remove(self, vmid: int) -> None:
        self.run(self.delete(f"{vmid}", purge=1))

    def volumes(self, storage: str = "local-lvm", **options: Any) -> set[str]:
        return {row["volid"] for row in self.get(f"/nodes/pve/storage/{storage}/content", **options)}
