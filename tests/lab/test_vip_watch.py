"""The measuring tool of the failovers: it sees one node or two with an address, and reads times out of what it saw."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.nodes import namespace
from lab.nodes.commands import run
from tests.lab.cluster.failover import Seen
from tests.lab.conftest import CHECKOUT

ADDRESS = "10.98.0.100"


def seen(api: list[tuple[float, bool]], arp: list[tuple[float, str]] = ()) -> Seen:
    """`api`: when the API was asked, and whether it answered, 0.1 s later."""
    return Seen([{"asked": at, "answered": at + 0.1, "ok": ok} for at, ok in api], list(arp))


def test_the_api_is_away_from_the_first_question_without_an_answer_to_the_next_answer() -> None:
    assert seen([(0, True), (1, False), (2, False), (3, True), (4, True)]).silent() == pytest.approx(2.1)
    assert seen([(0, True), (1, True)]).silent() == 0
    assert seen([(0, True), (1, False), (2, True), (3, False), (4, True)]).silent() == pytest.approx(3.1)
    with pytest.raises(AssertionError):
        seen([(0, True), (1, False)]).silent()


def test_two_nodes_have_the_address_while_both_answer() -> None:
    one = [(at / 10, "one") for at in range(51)]
    other = [(at / 10, "other") for at in range(30, 101)]
    assert seen([], sorted(one + other)).twice() == pytest.approx(2.0)
    assert seen([], one).twice() == 0
    assert seen([], [(at / 10, "one") for at in (0, 1, 20, 21)] + [(0.5, "other"), (1.5, "other")]).twice() == 0


def test_calm_is_every_answer_good_and_one_node_alone() -> None:
    assert seen([(0, False), (1, True), (2, True)], [(0.5, "one"), (1.5, "other")]).calm(1)
    assert not seen([(1, True)], [(1, "one"), (1.5, "other")]).calm(1)
    assert not seen([(1, True), (1.5, False)], [(1, "one")]).calm(1)
    assert not seen([], [(1, "one")]).calm(1)


@pytest.fixture
def link(machine: Path) -> Iterator[dict[str, str]]:
    """Namespaces on one bridge: who watches, and two that both have the address; their MACs."""
    prefix = f"dvw{os.getpid()}"
    with contextlib.ExitStack() as cleanup:
        for name in ("core", "one", "other"):
            run("ip", "netns", "add", f"{prefix}-{name}")
            cleanup.callback(run, "ip", "netns", "del", f"{prefix}-{name}")
        run("ip", "-n", f"{prefix}-core", "link", "add", "br0", "type", "bridge")
        run("ip", "-n", f"{prefix}-core", "address", "add", "10.98.0.1/24", "dev", "br0")
        run("ip", "-n", f"{prefix}-core", "link", "set", "br0", "up")
        macs = {}
        for name in ("one", "other"):
            run("ip", "-n", f"{prefix}-core", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0",
                "netns", f"{prefix}-{name}")  # fmt: skip
            run("ip", "-n", f"{prefix}-core", "link", "set", f"to-{name}", "master", "br0", "up")
            run("ip", "-n", f"{prefix}-{name}", "address", "add", f"{ADDRESS}/32", "dev", "eth0")
            run("ip", "-n", f"{prefix}-{name}", "link", "set", "eth0", "up")
            run("ip", "-n", f"{prefix}-{name}", "route", "add", "10.98.0.0/24", "dev", "eth0")
            macs[name] = json.loads(run("ip", "-json", "-n", f"{prefix}-{name}", "link", "show", "eth0"))[0]["address"]
        yield {"core": f"{prefix}-core", "bridge": "br0", "to": "to-other", **macs}


def test_who_answers_is_seen_and_that_no_api_does(link: dict[str, str], tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=it", "-keyout", key, "-out", certificate)
    inside = {name: base64.b64encode(path.read_bytes()).decode() for name, path in {"k": key, "c": certificate}.items()}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump({
        "clusters": [{"cluster": {"certificate-authority-data": inside["c"]}}],
        "users": [{"user": {"client-certificate-data": inside["c"], "client-key-data": inside["k"]}}],
    }))  # fmt: skip
    process = subprocess.Popen(
        [*namespace.enter(link["core"]), sys.executable, "-m", "tests.lab.cluster.vip_watch", str(kubeconfig), ADDRESS, "br0"],
        cwd=CHECKOUT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(2)
    run("ip", "-n", link["core"], "link", "set", link["to"], "nomaster")
    cut = time.monotonic()
    time.sleep(2)
    lines = [json.loads(line) for line in process.communicate("")[0].splitlines()]
    answered = [(line["at"], line["mac"]) for line in lines if line["kind"] == "arp"]
    assert {mac for at, mac in answered if at < cut - 0.5} == {link["one"], link["other"]}
    assert {mac for at, mac in answered if at > cut + 0.5} == {link["one"]}
    assert {line["ok"] for line in lines if line["kind"] == "api"} == {False}
