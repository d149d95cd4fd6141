# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm run on a node: init, join, reset. What was begun is written down first, so that a later run resumes it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils import _containerd_images as images
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_config as config
from ansible_collections.detectviz.infra.plugins.module_utils import _kubeadm_observe as node_state
from ansible_collections.detectviz.infra.plugins.module_utils._clock import Clock, Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError, LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._image_names import name_of

RUN_DIR = Path("/run/detectviz-infra")
"""In memory and for root alone: tokens and keys are never on a disk."""
LOCK = RUN_DIR / "kubeadm.lock"
POLL = 0.5

RESUMED_INIT = (
    "DirAvailable--var-lib-etcd",
    *(f"FileAvailable--etc-kubernetes-manifests-{name}.yaml" for name in node_state.CONTROL_PLANE_PODS),
    *(f"Port-{port}" for port in (6443, 10250, 10257, 10259, 2379, 2380)),
)
"""What kubeadm's checks find on a node where it began already: its own work. Anything else still stops it."""
RESUMED_JOIN = (
    *RESUMED_INIT,
    *(f"FileAvailable--etc-kubernetes-{name}" for name in ("kubelet.conf", "bootstrap-kubelet.conf", "pki-ca.crt")),
)
SECRETS = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b|\b[0-9a-f]{64}\b")

Run = Callable[[list[str]], tuple[int, str]]
"""Runs a command: its exit code, and standard output and error together."""


@contextmanager
def only_one(clock: Clock, timeout: float) -> Iterator[None]:
    """Waits for a kubeadm that an ended run has left at work on this node."""
    RUN_DIR.mkdir(mode=0o700, exist_ok=True)
    with LOCK.open("w", encoding="ascii") as handle:
        limit = clock.monotonic() + timeout
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if clock.monotonic() > limit:
                    raise LockedError(
                        f"Another run's kubeadm still works on this node after {timeout:.0f} s: look at its processes "
                        "(pgrep -a kubeadm), and run again"
                    ) from error
                clock.sleep(POLL)
        yield


def initialize(
    run: Run, clock: Clock, node: Mapping[str, Any], cluster: Mapping[str, Any], timeout: float, in_use: bool = False
) -> None:
    """Makes the cluster on this node, or goes on where an earlier run ended; or only ends it, where it is ``in_use``.

    ``node``: name, address, node_ips, taints, ignore_preflight_errors. ``cluster``: as in ``_kubeadm_config``.
    """
    node = _resumable(node, RESUMED_INIT)
    with unfinished_step("init"):
        if not in_use:
            write_api_server_files(None)
            documents = config.init_configuration(node, cluster, new_token())
            with secret_file("init.json", config.documents(documents)) as path:
                kubeadm(run, "init", "--config", path)
        settle(clock, node, timeout)


def join(
    run: Run, clock: Clock, node: Mapping[str, Any], material: Mapping[str, Any], known: bool, timeout: float
) -> None:
    """Joins this node, or goes on where an earlier run ended. ``known``: the cluster has its node object already."""
    resumed = node_state.unfinished() == "join"
    node = _resumable(node, RESUMED_JOIN)
    with unfinished_step("join"):
        if node["control_plane"]:
            write_api_server_files(material["encryption_configuration"])
        started = resumed and known and node_state.kubelet_healthy()
        # A worker whose kubelet runs and is known has nothing left to do; kubeadm refuses to start a Ready node again.
        if not started or node["control_plane"]:
            discovery = json.dumps(config.discovery_kubeconfig(material))
            with secret_file("discovery.json", discovery) as discovery_file:
                documents = config.join_configuration(node, material, discovery_file)
                with secret_file("join.json", config.documents(documents)) as path:
                    skipped = ["--skip-phases", "kubelet-start"] if started else []
                    kubeadm(run, "join", "--config", path, *skipped)
        if node["control_plane"]:
            settle(clock, node, timeout)
        else:
            wait_until(clock, timeout, "the kubelet's health", node_state.kubelet_healthy)


def pull_images(run: Run, configuration: config.Object, check: bool = False) -> list[str]:
    """Fetches the control plane's images that are not there yet; their names. ``check``: only tells them.

    ``configuration``: kubeadm's ClusterConfiguration.
    """
    with secret_file("images.json", config.documents([configuration])) as path:
        missing = absent(run, listed_images(run, path))
        if missing and not check:
            kubeadm(run, "config", "images", "pull", "--config", path)
    return missing


def pull_worker_images(
    run: Run, configuration: config.Object, containerd_folder: str, check: bool = False
) -> list[str]:
    """The same for what the first pods of a worker need: the sandbox's image and kube-proxy's.

    One by one, as kubeadm would fetch the control plane's with them.
    """
    with secret_file("images.json", config.documents([configuration])) as path:
        listed = listed_images(run, path)
    missing = absent(run, worker_images(listed, images.sandbox_image(run(["containerd", "config", "dump"])[1])))
    for image in () if check else missing:
        images.fetch(run, image, "which a worker needs", containerd_folder)
    return missing


def worker_images(listed: Sequence[str], sandbox: str | None) -> list[str]:
    """Those of kubeadm's list that run on a worker; as sandbox the one that containerd takes, if that is known. Pure."""
    by_name = {name_of(image): image for image in listed}
    wanted = (sandbox or by_name.get("pause"), by_name.get("kube-proxy"))
    return [image for image in wanted if image]


def listed_images(run: Run, path: str) -> list[str]:
    """What kubeadm needs for a file with its configuration."""
    code, output = run(["kubeadm", "config", "images", "list", "--config", path])
    if code != 0:
        raise InfraError(f"kubeadm config images list ended with code {code}: {scrubbed(output)}")
    return output.split()


def absent(run: Run, wanted: Sequence[str]) -> list[str]:
    there = images.present(run)
    return [image for image in wanted if image not in there]


def settle(clock: Clock, node: Mapping[str, Any], timeout: float) -> None:
    """Waits until this node's own API server is ready, knows the node, and etcd counts it as a full member."""
    seen = ["nothing yet"]

    def whole() -> bool:
        view = node_state.cluster_view(node["address"])
        known = any(item["name"] == node["name"] for item in view.get("nodes") or [])
        member = next((item for item in view.get("members") or [] if item["address"] == node["address"]), None)
        seen[0] = view.get("error") or f"node object: {known}, etcd member: {member}"
        return known and member is not None and not member["learner"] and ready(node["address"])

    wait_until(clock, timeout, "its API server, node object and etcd member", whole, seen)


def ready(address: str) -> bool:
    """Whether the API server at an address says that it is ready."""
    try:
        return str(node_state.admin_api(address).get("/readyz")).strip() == "ok"
    except InfraError:
        return False


def wait_until(
    clock: Clock, timeout: float, awaited: str, done: Callable[[], bool], seen: Sequence[str] = ("",)
) -> None:
    """Polls. Raises DeadlineError with what was seen last."""
    deadline = Deadline.after(clock, timeout, "this node")
    while not done():
        try:
            deadline.pause(POLL, awaited)
        except DeadlineError as error:
            raise DeadlineError(f"{error}; last seen: {seen[0]}" if seen[0] else str(error)) from error


def restart_kubelet(run: Run) -> None:
    """Lets the kubelet forget how often static pods have failed: it waits up to five minutes before it starts such a pod
    again, also where what made it fail is mended and its manifest was away for a while."""
    code, output = run(["systemctl", "restart", "kubelet"])
    if code != 0:
        raise InfraError(f"The kubelet could not be started again: {output.strip()}; look at journalctl -u kubelet")


def kubeadm(run: Run, *arguments: str) -> str:
    """Raises InfraError with the end of what kubeadm printed, without tokens and keys."""
    code, output = run(["kubeadm", *arguments])
    if code != 0:
        raise InfraError(
            f"kubeadm {arguments[0]} ended with code {code}; run again to go on from here. It said:\n{told(output)}"
        )
    return output


def told(output: str) -> str:
    """The end of what kubeadm printed, without the kernel's options, which it lists in colour."""
    lines = [line for line in scrubbed(output).splitlines() if line.strip() and "\x1b" not in line]
    return "\n".join(lines[-20:])


def scrubbed(text: str) -> str:
    """Without anything that looks like a bootstrap token or a certificate key."""
    return SECRETS.sub("********", text)


def write_api_server_files(encryption: str | None) -> None:
    """The files the API server reads: the audit policy, and how Secrets are encrypted.

    ``encryption`` is the first master's file, "" if that has none. None is for the first master: a key is made once and
    kept.
    """
    os.makedirs(config.FILES_DIR, mode=0o700, exist_ok=True)
    write_private(Path(config.AUDIT_POLICY_FILE), json.dumps(config.AUDIT_POLICY, indent=1))
    target = Path(config.ENCRYPTION_FILE)
    if encryption is None and not target.exists():
        key = base64.b64encode(os.urandom(32)).decode("ascii")
        encryption = json.dumps(config.encryption_configuration(key))
    if encryption:
        write_private(target, encryption)


@contextmanager
def unfinished_step(step: str) -> Iterator[None]:
    """Written down before kubeadm works; forgotten when all has ended well, or failed before anything was written.

    The plan was made before this run had the node for itself, so what another run has made meanwhile is not touched.
    """
    resumed = node_state.unfinished() is not None
    if not resumed and node_state.has_leftovers():
        raise InfraError(
            "it has files of a cluster now (/etc/kubernetes, /var/lib/etcd), and had none when the plan was made: another "
            "run has worked on it. Run again"
        )
    if not resumed:
        begin(step)
    try:
        yield
    except (InfraError, OSError):
        if not resumed and not node_state.kubeadm_wrote():
            end()
        raise
    end()


def begin(step: str, **more: str) -> None:
    """Writes down a step that is about to be taken, and what a later run needs to know of it."""
    node_state.UNFINISHED.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(node_state.UNFINISHED, json.dumps({"step": step, **more}))


def end() -> None:
    node_state.UNFINISHED.unlink(missing_ok=True)


def _resumable(node: Mapping[str, Any], findings: Sequence[str]) -> dict[str, Any]:
    """The node, with kubeadm's own earlier work allowed where a run has begun and not ended."""
    errors = list(config.named_errors(node.get("ignore_preflight_errors") or []))
    if node_state.unfinished() is not None:
        errors += findings
    return {**node, "ignore_preflight_errors": errors}


def new_token() -> str:
    """A bootstrap token, ``abcdef.0123456789abcdef``."""
    text = os.urandom(11).hex()
    return f"{text[:6]}.{text[6:22]}"


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for root alone."""
    part = path.with_name(path.name + ".part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        # A disk that is full shows while text is written, and then no file is named.
        raise OSError(error.errno, error.strerror, str(part)) from error
    os.replace(part, path)


@contextmanager
def secret_file(name: str, text: str) -> Iterator[str]:
    """A file in memory for root alone, gone afterwards."""
    RUN_DIR.mkdir(mode=0o700, exist_ok=True)
    path = RUN_DIR / name
    write_private(path, text)
    try:
        yield str(path)
    finally:
        path.unlink(missing_ok=True)
