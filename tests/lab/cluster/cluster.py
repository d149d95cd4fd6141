"""A cluster in the lab as its user sees it: commands of the README, kubectl, SSH, and the power switch at Proxmox."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.conftest import CHECKOUT, LabCommand
from tests.lab.test_site import IDS, MACHINES, changes

MASTERS = [name for name in MACHINES if name.startswith("master")]
NODE_API = "https://$PROXMOX_HOST:8006/api2/json/nodes/proxmox/qemu"
PATIENCE = 300
"""Seconds; far more than needed, as other things may run on the machine."""


class Run:
    """A running ansible-playbook."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def until(self, what: str, check: Callable[[], bool]) -> None:
        """The run must not end before."""

        def seen() -> bool:
            return check() or self._process.poll() is not None

        eventually(what, seen, 900)
        assert self._process.poll() is None, f"the run ended before {what}:\n{self.said()[-3000:]}"

    def kill(self) -> None:
        """`kill -9` of everything of the run on this machine, as when it loses its power. SSH's shared connections are
        daemons of their own and time out."""
        for pid in [self._process.pid, *_descendants(self._process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


class Cluster:
    """The documented site in a lab. Commands that fail are errors, unless another exit code is asked for."""

    def __init__(self, lab: LabCommand) -> None:
        self.lab = lab
        self.state = lab.folder / ".state/detectviz"

    def play(self, playbook: str, *words: str) -> str:
        """What the run said; it must end well on every host."""
        said = self.lab("exec", "--", "ansible-playbook", playbook, *words)
        changes(said)
        return said

    def refused(self, playbook: str, *words: str) -> str:
        """What a run said that stopped with a failed task."""
        return self.lab("exec", "--", "ansible-playbook", playbook, *words, code=2)

    @contextmanager
    def background(self, playbook: str, *words: str) -> Iterator[Run]:
        """A run that goes on beside the test; killed at the end if it still goes on."""
        with tempfile.NamedTemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "lab", "--name", self.lab.name, "exec", "--", "ansible-playbook", playbook, *words],
                cwd=CHECKOUT, env=self.lab.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            run = Run(process, Path(log.name))
            try:
                yield run
            finally:
                run.kill()

    def kubectl(self, *words: str, code: int | None = 0) -> str:
        return self.lab("exec", "--", "kubectl", "--request-timeout=20s", *words, code=code)

    def objects(self, *words: str) -> list[dict[str, Any]]:
        listed = json.loads(self.kubectl("get", *words, "--output", "json"))
        return list(listed["items"]) if "items" in listed else [listed]

    def answers(self) -> bool:
        """Whether the API answers through the virtual address."""
        said = self.lab("exec", "--", "kubectl", "--request-timeout=5s", "get", "--raw", "/readyz", code=None)
        return said.endswith("ok")

    def on(self, name: str, script: str) -> str:
        """What a shell script prints as root on a machine, over SSH with the pinned host key."""
        return self.lab(
            "exec", "--", "ssh", "-q", "-i", str(self.lab.folder / "id_ed25519"), "-o", "BatchMode=yes",
            "-o", "ConnectTimeout=10", "-o", f"UserKnownHostsFile={self.state / 'known_hosts'}",
            f"ubuntu@{MACHINES[name][0]}", f"sudo sh -c {shlex.quote(script)}",
        ).strip()  # fmt: skip

    def modules_since(self, name: str, began: float) -> Counter[str]:
        """Modules that Ansible has executed on a machine since then, by name, as its own journal tells.

        Those that log nothing (no_log) are known by the sudo that they were started with.
        """
        kept = self.on(name, f"journalctl --quiet --output=json --since=@{int(began)}")
        entries = [json.loads(line) for line in kept.splitlines()]
        told = [entry for entry in entries if str(entry.get("SYSLOG_IDENTIFIER")).startswith("ansible-")]
        as_root = sum(entry.get("_UID") == "0" for entry in told)
        started = sum("BECOME-SUCCESS" in str(entry.get("MESSAGE")) for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "sudo")
        named = Counter(entry["SYSLOG_IDENTIFIER"].removeprefix("ansible-").rpartition(".")[2] for entry in told)
        return named + Counter({"without a log": started - as_root})

    def holds(self, name: str, condition: str) -> bool:
        """Whether a shell's condition is true on a machine."""
        return self.on(name, f"if {condition} >/dev/null 2>&1; then echo yes; fi") == "yes"

    def power(self, name: str, action: str) -> None:
        """Switch a guest on or off (`start`, `stop`) as a user does at Proxmox, with nothing of ours."""
        vm_id = IDS[list(MACHINES).index(name)]
        self.lab(
            "exec", "--", "sh", "-c",
            'curl -sS --fail -X POST --cacert "$PROXMOX_CA_PATH" '
            '-H "Authorization: PVEAPIToken=$PROXMOX_USER!$PROXMOX_TOKEN_ID=$PROXMOX_TOKEN_SECRET" '
            f'"{NODE_API}/{vm_id}/status/{action}"',
        )  # fmt: skip

    def report(self) -> list[dict[str, Any]]:
        """Every check of the last acceptance."""
        return list(json.loads((self.state / "reports/cluster.json").read_text()))

    def missed(self) -> list[dict[str, Any]]:
        return [row for row in self.report() if row["verdict"] not in ("ok", "not verified here")]

    def holder(self) -> str:
        """Name of the node that has the virtual address, as the lease tells."""
        return str(self.objects("--namespace", "kube-system", "lease", "plndr-cp-lock")[0]["spec"]["holderIdentity"])

    def ready(self) -> set[str]:
        return {
            node["metadata"]["name"]
            for node in self.objects("nodes")
            if any(item["type"] == "Ready" and item["status"] == "True" for item in node["status"]["conditions"])
        }

    def voters(self, asked: str = "master-2") -> set[str]:
        """Names of etcd's full members, asked of etcd itself on a master."""
        pki = "/etc/kubernetes/pki"
        said = self.on(
            asked,
            f"curl -sS --fail --cacert {pki}/etcd/ca.crt --cert {pki}/apiserver-etcd-client.crt "
            f"--key {pki}/apiserver-etcd-client.key -d '{{}}' https://{MACHINES[asked][1]}:2379/v3/cluster/member/list",
        )
        return {member["name"] for member in json.loads(said)["members"] if not member.get("isLearner")}

    def whole(self) -> bool:
        return self.ready() == set(MACHINES) and self.voters() == set(MASTERS)

    def becomes_whole(self) -> None:
        eventually("the cluster is whole", self.whole)

    def backups(self) -> list[Path]:
        """Oldest first."""
        return sorted((self.state / "etcd").glob("*.etcd.cms"))

    def unfinished(self, name: str) -> str:
        """What our own runs have noted on a node as begun and not ended."""
        return self.on(name, "cat /var/lib/detectviz-infra/kubeadm-unfinished.json 2>/dev/null || true")

    def write(self, name: str) -> None:
        """Something that etcd keeps, to be found again."""
        self.kubectl("create", "configmap", name)

    def lose_data(self, *names: str) -> None:
        """Of etcd, on all of them at once: a member that finds the others alive has it again. Some end by themselves without it."""
        for name in names:
            self.on(name, "rm -rf /var/lib/etcd/member")
        for name in names:
            self.on(name, "pkill -KILL -x etcd; true")

    def written(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.objects("configmaps")} - {"kube-root-ca.crt"}


def told(said: str) -> str:
    """What a run said, without the places where YAML breaks its lines."""
    return " ".join(said.split())


def eventually(what: str, check: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Polls; what fails on the way is part of what is waited for. The seconds that it took."""
    began, last = time.monotonic(), "not yet"
    while True:
        try:
            if check():
                return time.monotonic() - began
        except (AssertionError, ValueError, subprocess.SubprocessError) as error:
            last = str(error)
        assert time.monotonic() - began < patience, f"{what} after {patience} s: {last[-500:]}"
        time.sleep(0.5)
