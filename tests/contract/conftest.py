"""Emulators for contract tests, and what stands in their place on a real host: `host` and the throwaway `guest`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.pve.client import Client
from lab.pve.process import Emulator
from tests.contract import qualification
from tests.contract.machines import Api
from tests.contract.qualification import Findings
from tests.contract.real_host import RealHost
from tests.contract.scratch import POOL, Guest, leftovers

FINDINGS = pytest.StashKey[Findings]()
HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pve-version", default="9.2", choices=["9.1", "9.2"], help="release that the emulator plays")
    parser.addoption("--real", action="store_true", help="run the contract tests that are safe there on the Proxmox VE "
                     f"that the PROXMOX_* variables name: in its pool {POOL}, with one throwaway guest")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: also on a real host, with --real")
    config.addinivalue_line("markers", "emulator_only(why): not on a real host")
    config.stash[FINDINGS] = Findings()
    if _is_real(config) and config.getoption("numprocesses", None):
        raise pytest.UsageError("--real has one throwaway guest: run it without -n")


def _is_real(config: pytest.Config) -> bool:
    return bool(config.getoption("--real", False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A real host gets only the tests that were written to be safe on it."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    safe, others = qualification.split(ours)
    if _is_real(config):
        config.stash[FINDINGS].emulator_only.update((item.path.name, why) for item, why in others.items())
        config.hook.pytest_deselected(items=[item for item in items if item not in safe])
        items[:] = safe


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What a real host does as the emulator does, and what it does otherwise."""
    if not _is_real(config):
        return
    terminalreporter.section("qualification report")
    reports = {outcome: terminalreporter.getreports(outcome) for outcome, _word in qualification.OUTCOMES}
    for line in qualification.report(config.stash[FINDINGS], reports):
        terminalreporter.write_line(line)


# -- emulators -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make_pve(request: pytest.FixtureRequest,
             tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators; options are those of `python -m lab pve`. All answers are checked against the schema."""
    started: list[Emulator] = []

    def make(folder: Path | None = None, **options: Any) -> Emulator:
        options = {"pve_version": request.config.getoption("--pve-version", "9.2"), "strict": True, **options}
        emulator = Emulator.start(folder or tmp_path_factory.mktemp("pve"), **options)
        started.append(emulator)
        return emulator

    yield make
    broken = []
    for emulator in started:
        broken += emulator.broken_answers()
        emulator.stop()
    assert not broken, f"answers that break the official description: {broken}"


@pytest.fixture(scope="module")
def shared_pve(make_pve: Callable[..., Emulator]) -> Emulator:
    """The module's emulator: one node, local and local-lvm, no guests."""
    return make_pve()


@pytest.fixture
def pve(shared_pve: Emulator) -> Iterator[Emulator]:
    """The module's emulator, with no fault left by another test."""
    yield shared_pve
    shared_pve.clear_faults()


# -- a host, emulated or real --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> bool:
    """Is this a run on a real host?"""
    return _is_real(request.config)


@pytest.fixture(scope="session")
def real_host(request: pytest.FixtureRequest) -> RealHost:
    """The host that PROXMOX_* name, with the scratch pool empty: what an earlier run left there is removed."""
    host, findings = RealHost.from_environment(), request.config.stash[FINDINGS]
    try:
        version = host.call("GET", "/version")
        if not version.ok:
            raise ValueError(f"{host.url} answers {version.status_code} {version.reason} to {host.identity}")
        findings.host = f"Proxmox VE {version.json()['data']['version']} at {host.url}, as {host.identity}"
        for guest in leftovers(Api(host)):
            host.vmid = guest.vmid
            guest.remove()
            findings.removed.append(f"guest {guest.vmid}, which an earlier run had left in the pool {POOL}")
    except (ValueError, AssertionError, TimeoutError, requests.RequestException) as error:
        pytest.exit(f"--real: {error}", returncode=2)
    host.vmid = None
    return host


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, real: bool) -> Client:
    """A Proxmox VE as a client sees it: the emulator, or with --real the one that PROXMOX_* name."""
    return request.getfixturevalue("real_host" if real else "shared_pve")


@pytest.fixture(scope="module")
def node(host: Client) -> str:
    """The first node that is up."""
    nodes = host.call("GET", "/nodes").json()["data"]
    return sorted(entry["node"] for entry in nodes if entry["status"] == "online")[0]


@pytest.fixture(scope="module")
def scratch(request: pytest.FixtureRequest, host: Client, node: str, real: bool) -> Iterator[Guest]:
    """The module's throwaway guest, in the scratch pool. It is not made yet, and gone afterwards."""
    vmid = 990  # none that a test of the emulator uses
    if real:
        vmid = int(host.call("GET", "/cluster/nextid").json()["data"])
        host.vmid = vmid
    else:
        assert host.call("POST", "/pools", poolid=POOL).ok
    guest = Guest(Api(host, node=node), vmid)
    yield guest
    try:
        guest.remove()
    except Exception as error:
        request.config.stash[FINDINGS].left.append(f"guest {vmid} on node {node} in the pool {POOL}: "
                                                 f"{str(error).partition(chr(10))[0]}")
        raise
    finally:
        if real:
            host.vmid = None


@pytest.fixture
def guest(scratch: Guest) -> Guest:
    """The throwaway guest, there and stopped, with what earlier tests of the module have set."""
    state = scratch.state()
    if state is None:
        scratch.make()
    elif state == "running":
        scratch.stop()
    return scratch


@pytest.fixture
def may_start(real: bool) -> None:
    """Skips a test that starts the guest, unless PROXMOX_QUALIFICATION_START allows it."""
    if real and not os.environ.get("PROXMOX_QUALIFICATION_START"):
        pytest.skip("it starts the guest: set PROXMOX_QUALIFICATION_START=1 to allow that")


@pytest.fixture
def running(may_start: None, guest: Guest) -> Guest:
    """The throwaway guest, running."""
    guest.start()
    return guest


@pytest.fixture
def storage(real: bool) -> str:
    """The storage for the guest's small disks. A real host has one only if PROXMOX_QUALIFICATION_STORAGE names it."""
    if not real:
        return "local-lvm"
    name = os.environ.get("PROXMOX_QUALIFICATION_STORAGE")
    return name or pytest.skip("it needs disks: name a storage in PROXMOX_QUALIFICATION_STORAGE")


@pytest.fixture
def audits(host: Client) -> None:
    """Skips a test about what only an auditor of the whole host sees."""
    held = host.call("GET", "/access/permissions", path="/").json()["data"].get("/", {})
    missing = [name for name in ("Sys.Audit", "VM.Audit", "Datastore.Audit") if not held.get(name)]
    if missing:
        pytest.skip(f"the token has no {', '.join(missing)} on /: give it the role PVEAuditor there")
