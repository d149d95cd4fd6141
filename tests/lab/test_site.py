"""P1 of the documented site on real guests, from an empty Proxmox to verified machines and away again.

The tests of this file are one story, told in order: each starts where the one before has left the lab.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import LAB_NAME, LabCommand
from tests.lab.test_safety import differences, picture

MACHINES = {
    "master-1": ["192.168.0.11", "10.0.0.11"],
    "master-2": ["192.168.0.12", "10.0.0.12"],
    "master-3": ["192.168.0.13", "10.0.0.13"],
    "app-worker": ["192.168.0.14", "10.0.0.14"],
}
IDS = [111, 112, 113, 114]
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+) ", re.MULTILINE)


@pytest.fixture(scope="module")
def machine_before() -> dict[str, Any]:
    return picture()


@pytest.fixture(scope="module")
def site(machine: Path, machine_before: dict[str, Any]) -> Iterator[LabCommand]:
    lab = LabCommand(machine, f"{LAB_NAME}-site")
    lab("up", "--yes", "--without-kubernetes", "--site", "inventory/detectviz")
    yield lab
    lab("down", code=None)


def changes(said: str) -> dict[str, int]:
    """Changed tasks per host; a host that failed or was not reached is an error of its own."""
    recap = RECAP.findall(said)
    assert recap, said
    assert {(unreachable, failed) for _host, _changed, unreachable, failed in recap} == {("0", "0")}, said
    return {host: int(changed) for host, changed, _unreachable, _failed in recap}


def play(lab: LabCommand, *words: str, code: int = 0) -> str:
    return lab("exec", "--", "ansible-playbook", *words, code=code)


def guests(lab: LabCommand) -> list[int]:
    """Ids of the guests as Proxmox lists them, asked with nothing of ours."""
    script = (
        'curl -sS --fail --cacert "$PROXMOX_CA_PATH" '
        '-H "Authorization: PVEAPIToken=$PROXMOX_USER!$PROXMOX_TOKEN_ID=$PROXMOX_TOKEN_SECRET" '
        '"https://$PROXMOX_HOST:8006/api2/json/cluster/resources?type=vm"'
    )
    listed = json.loads(lab("exec", "--", "sh", "-c", script))["data"]
    return sorted(guest["vmid"] for guest in listed if not guest.get("template"))


def running(lab: LabCommand) -> dict[str, list[str]]:
    systems = json.loads(lab("status", "--json"))["systems"]
    return {system["name"]: system["addresses"] for system in systems if system["id"] != "host"}


def test_check_mode_on_an_empty_proxmox_is_true_and_makes_nothing(site: LabCommand) -> None:
    said = play(site, "site.yml", "--tags", "p1", "--check", "--diff")
    assert changes(said)["localhost"] > 0
    for name in MACHINES:
        assert re.search(rf"{name}\b.*planned, not inspected", said), said
    assert guests(site) == []


def test_the_plan_tells_that_there_are_changes(site: LabCommand) -> None:
    said = play(site, "playbooks/plan.yml", "-e", "plan_fail_on_changes=true", code=2)
    assert set(MACHINES) <= set(re.findall(r"[\w-]+", said))
    assert guests(site) == []


def test_one_run_makes_the_machines(site: LabCommand) -> None:
    said = play(site, "site.yml", "--tags", "p1")
    assert changes(said)["localhost"] > 0
    assert guests(site) == IDS
    assert running(site) == MACHINES


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_what_the_document_says_as_seen_from_outside(site: LabCommand, name: str) -> None:
    other = "app-worker" if name == "master-1" else "master-1"  # its own name each has in /etc/hosts
    said = site(
        "exec", "--", "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={site.folder / '.state/detectviz/known_hosts'}", "-o", "GlobalKnownHostsFile=/dev/null",
        "-i", str(site.folder / "id_ed25519"), f"ubuntu@{MACHINES[name][0]}",
        f"hostname; cloud-init status; ip -j address; ip route show default; "
        f"getent hosts {other}.detectviz.internal {other}.cluster.internal k8s-api.detectviz.internal",
    ).splitlines()  # fmt: skip
    assert said[:2] == [name, "status: done"]
    cards = {card["ifname"]: card for card in json.loads(said[2]) if card["ifname"].startswith("eth")}
    found = {card: [a["local"] for a in cards[card]["addr_info"] if a["family"] == "inet"] for card in sorted(cards)}
    assert list(found.values()) == [[address] for address in MACHINES[name]]
    assert [card["mtu"] for card in cards.values()] == [9000, 9000]
    assert said[3].startswith("default via 192.168.0.1 dev eth0")
    assert [line.split()[0] for line in said[4:]] == [*MACHINES[other], "192.168.0.10"]


def test_a_second_run_changes_nothing(site: LabCommand) -> None:
    assert set(changes(play(site, "site.yml", "--tags", "p1")).values()) == {0}


def test_check_mode_on_a_finished_site_finds_nothing_to_do(site: LabCommand) -> None:
    assert set(changes(play(site, "site.yml", "--tags", "p1", "--check", "--diff")).values()) == {0}


def test_the_plan_of_a_finished_site_is_none(site: LabCommand) -> None:
    play(site, "playbooks/plan.yml", "-e", "plan_fail_on_changes=true")


def test_the_topology_page_stands_alone_and_shows_every_machine(site: LabCommand) -> None:
    page = (site.folder / ".state/detectviz/reports/topology.html").read_text()
    for word in [*MACHINES, "192.168.0.10", "vmbr0", "vmbr1", "running"]:
        assert word in page
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)


def test_reset_destroys_nothing_without_its_word_and_only_what_is_named(site: LabCommand) -> None:
    play(site, "playbooks/reset.yml")
    assert guests(site) == IDS
    play(site, "playbooks/reset.yml", "-e", '{"reset_guests": ["app-worker"]}', code=2)
    assert guests(site) == IDS
    play(site, "playbooks/reset.yml", "-e", '{"reset_guests": ["app-worker"], "reset_confirm": "detectviz"}')
    assert guests(site) == IDS[:3]


def test_a_machine_that_is_gone_is_made_again(site: LabCommand) -> None:
    assert changes(play(site, "site.yml", "--tags", "p1"))["localhost"] > 0
    assert guests(site) == IDS


@pytest.mark.long
def test_after_the_machine_has_restarted_one_up_and_one_run_bring_all_back(site: LabCommand) -> None:
    _restart(site)
    site("up", "--yes", "--without-kubernetes")
    changes(play(site, "site.yml", "--tags", "p1"))
    assert running(site) == MACHINES
    assert set(changes(play(site, "site.yml", "--tags", "p1")).values()) == {0}


def _restart(lab: LabCommand) -> None:
    """What a restart leaves of a lab: its files."""
    processes = json.loads((lab.folder / "lab.json").read_text())["processes"].values()
    inits = [json.loads(path.read_text()) for path in (lab.folder / "systems/runc").glob("*/state.json")]
    for pid in [process["pid"] for process in processes] + [state["init_process_pid"] for state in inits]:
        os.kill(pid, 9)
    for namespace in (lab.namespace, f"{lab.namespace}-router"):
        subprocess.run(["ip", "netns", "delete", namespace], check=True)


def test_after_all_this_the_machine_is_as_it_was(site: LabCommand, machine_before: dict[str, Any]) -> None:
    site.run("bin/demo", "--down")
    assert differences(machine_before, picture()) == {}
    assert not site.folder.exists()
