"""A control plane and nodes for the stand-ins: network namespaces on one bridge, a real etcd and API server in one.

    core (10.99.0.1, the API server) ── bridge ── node-1 (10.99.0.11), node-2 (10.99.0.12), …

A node can be cut off from the bridge. Nothing of it is reachable from outside of the namespaces.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.nodes import namespace
from lab.nodes.commands import run

API = "10.99.0.1"
START_TRIES = 400
TRY_SECONDS = 0.2


def until(what: str, ask: Callable[[], bool], tries: int = START_TRIES) -> float:
    """Ask until it is so; the seconds that it took."""
    began = time.monotonic()
    for _ in range(tries):
        if ask():
            return time.monotonic() - began
        time.sleep(TRY_SECONDS)
    raise AssertionError(f"not within {tries} tries: {what}")


def newest(folder: Path, name: str) -> Path | None:
    """The program of this name that was made last below the folder."""
    return max(folder.glob(f"*/{name}"), key=lambda path: path.stat().st_mtime, default=None)


class World:
    """Namespaces, the control plane and the programs that run in it; all are gone after `close`."""

    _numbers = itertools.count()

    def __init__(self, folder: Path, programs: Mapping[str, Path], nodes: Sequence[str]) -> None:
        self.folder = folder
        self.prefix = f"dvs{os.getpid()}x{next(self._numbers)}"
        self.token = secrets.token_hex(16)
        self._programs = programs
        self._cleanup = contextlib.ExitStack()
        try:
            self._make_networks(nodes)
            self._make_accounts()
            self._start_control_plane()
        except BaseException:
            self.close()
            raise

    @property
    def kubeconfig(self) -> Path:
        """An administrator's, with the API server's own address."""
        return self.folder / "admin.conf"

    def space(self, name: str) -> str:
        """The namespace's name on the machine."""
        return f"{self.prefix}-{name}"

    def start(
        self, node: str, words: Sequence[object], environment: Mapping[str, str], log: str
    ) -> subprocess.Popen[bytes]:
        """A program inside a node's namespace, with exactly this environment; its output goes to `<folder>/<log>`."""
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                [*namespace.enter(self.space(node)), *map(str, words)],
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        self._cleanup.callback(_end, process)
        return process

    def call(self, node: str, *words: object) -> str:
        """What a command in a node's namespace prints; it must succeed."""
        return run(*namespace.enter(self.space(node)), *map(str, words))

    def succeeds(self, node: str, *words: object) -> bool:
        """Whether a command in a node's namespace succeeds."""
        command = [*namespace.enter(self.space(node)), *map(str, words)]
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0

    def kubectl(self, *words: object) -> Any:
        """kubectl's answer as data (`-o json` is added)."""
        return json.loads(
            self.call("core", self._programs["kubectl"], "--kubeconfig", self.kubeconfig, *words, "-o", "json")
        )

    def apply(self, *objects: Mapping[str, Any], subresource: str | None = None) -> None:
        """Make or change objects."""
        file = self.folder / "objects.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
        extra = [f"--subresource={subresource}", "--force-conflicts"] if subresource else []
        self.call(
            "core",
            self._programs["kubectl"],
            "--kubeconfig",
            self.kubeconfig,
            "apply",
            "--server-side",
            *extra,
            "-f",
            file,
        )

    def add_space(self, name: str) -> None:
        """One more namespace, without any connection."""
        run("ip", "netns", "add", self.space(name))
        self._cleanup.callback(run, "ip", "netns", "del", self.space(name))
        self.call(name, "ip", "link", "set", "lo", "up")

    def plug(self, node: str, connected: bool) -> None:
        """Connect a node to the bridge or cut it off."""
        self.call("core", "ip", "link", "set", f"to-{node}", "up" if connected else "down")

    def log(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def close(self) -> None:
        self._cleanup.close()

    def _make_networks(self, nodes: Sequence[str]) -> None:
        for name in ("core", *nodes):
            self.add_space(name)
        self.call("core", "ip", "link", "add", "br0", "type", "bridge")
        self.call("core", "ip", "address", "add", f"{API}/24", "dev", "br0")
        self.call("core", "ip", "link", "set", "br0", "up")
        for number, name in enumerate(nodes, 11):
            self.call("core", "ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0",
                      "netns", self.space(name))  # fmt: skip
            self.call("core", "ip", "link", "set", f"to-{name}", "master", "br0", "up")
            self.call(name, "ip", "address", "add", f"10.99.0.{number}/24", "dev", "eth0")
            self.call(name, "ip", "link", "set", "eth0", "up")

    def _make_accounts(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        for name, content in {
            "sa.key": pem,
            "tokens.csv": f'{self.token},tester,tester,"system:masters"\n'.encode(),
        }.items():
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_bytes(content)
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://{API}:6443",
                                                    "certificate-authority": str(self.folder / "certs/apiserver.crt")}}],
            "users": [{"name": "it", "user": {"token": self.token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }  # fmt: skip
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(config))

    def _start_control_plane(self) -> None:
        etcd = [self._programs["etcd"], f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync"]
        server = [
            self._programs["kube-apiserver"], "--etcd-servers=http://127.0.0.1:2379", f"--bind-address={API}",
            f"--cert-dir={self.folder}/certs", f"--token-auth-file={self.folder}/tokens.csv", "--authorization-mode=RBAC",
            f"--service-account-key-file={self.folder}/sa.key", f"--service-account-signing-key-file={self.folder}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        ]  # fmt: skip
        running = [self.start("core", etcd, {}, "etcd.log"), self.start("core", server, {}, "apiserver.log")]

        def answers() -> bool:
            for process, log in zip(running, ("etcd.log", "apiserver.log")):
                assert process.poll() is None, self.log(log)[-2000:]
            certificate = self.folder / "certs/apiserver.crt"
            ready = [self._programs["kubectl"], "--kubeconfig", self.kubeconfig, "get", "namespace", "kube-system"]
            return certificate.exists() and self.succeeds("core", *ready)

        until("the API server answers", answers)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(18)  # a frozen one would not see the next
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)


@contextlib.contextmanager
def world(folder: Path, programs: Mapping[str, Path], nodes: Sequence[str]) -> Iterator[World]:
    made = World(folder, programs, nodes)
    try:
        yield made
    finally:
        made.close()
