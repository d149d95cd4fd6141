"""Guests of images without an agent: the snippet that installs it, and what is said where nobody has named one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.emulated.clone_runs import Site, row, write_snippet

WAY_OUT = "host_preparation.snippets: true"


@contextlib.contextmanager
def ssh_port(address: str) -> Iterator[None]:
    """Something that takes connections where a guest's sshd would."""
    try:
        server = socket.create_server((address, 22))
    except PermissionError:
        pytest.skip(f"only root may listen on port 22 of {address}")
    with server:
        yield


def address(vm_id: int) -> str:
    return row(vm_id)["networks"][0]["addresses"][0].split("/")[0]


def test_a_new_guest_reads_the_snippet_of_its_row_or_of_the_defaults(site: Site, first_id: int) -> None:
    for name in ("site.yml", "own.yml"):
        write_snippet(site.pve, name)
    guests = [row(first_id), row(first_id + 1, vendor_snippet="local:snippets/own.yml")]
    defaults = {"vendor_snippet": "local:snippets/site.yml"}
    assert not site.run(guests, defaults=defaults).failed
    assert site.config(first_id)["cicustom"] == "vendor=local:snippets/site.yml"
    assert site.config(first_id + 1)["cicustom"] == "vendor=local:snippets/own.yml"
    assert not site.run(guests, defaults=defaults).changed


def test_a_snippet_that_is_not_on_the_host_is_told_before_anything_is_made(site: Site, first_id: int) -> None:
    volume = f"local:snippets/late-{first_id}.yml"
    guests = [row(first_id, vendor_snippet=volume)]
    for check in (True, False):
        done = site.run(guests, check=check)
        assert done.failed and f"snippet {volume} is not on node pve" in done.message
    assert not site.run(guests, check=True, planned={"snippets": [volume]}).failed
    write_snippet(site.pve, f"late-{first_id}.yml")
    assert not site.run(guests).failed


def test_a_snippet_that_is_not_listed_is_named_at_the_start_and_the_next_run_goes_on(
    site: Site, first_id: int
) -> None:
    """A storage that is not meant to hold snippets lists none, and guests read them all the same."""
    content = site.pve.call("GET", "/storage/local", None).json()["data"]["content"]
    site.pve.call("PUT", "/storage/local", None, content="iso")
    try:
        _named_at_the_start(site, first_id)
    finally:
        site.pve.call("PUT", "/storage/local", None, content=content)


def _named_at_the_start(site: Site, first_id: int) -> None:
    guests = [row(first_id, vendor_snippet=f"local:snippets/late-{first_id}.yml")]
    done = site.run(guests)
    assert done.failed and f"volume 'local:snippets/late-{first_id}.yml' does not exist" in done.message
    write_snippet(site.pve, f"late-{first_id}.yml")
    assert site.run(guests).steps(first_id) == ["start"]


def test_an_agent_that_never_comes_where_ssh_answers_is_told_with_the_way_out(site: Site, first_id: int) -> None:
    site.pve.fault("agent_never_up", vmid=first_id)
    site.make([row(first_id)])
    with ssh_port(address(first_id)):
        done = site.run([row(first_id)], wait="agent", timeout=8)
    error = done.guest(first_id)["error"]
    assert "it answers on SSH, so it has no agent" in error and WAY_OUT in error


def test_where_ssh_does_not_answer_either_nothing_is_said_of_a_snippet(site: Site, first_id: int) -> None:
    site.pve.fault("agent_never_up", vmid=first_id)
    site.make([row(first_id)])
    assert WAY_OUT not in site.run([row(first_id)], wait="agent", timeout=8).guest(first_id)["error"]


def test_a_guest_with_a_snippet_is_not_told_to_get_one(site: Site, first_id: int) -> None:
    write_snippet(site.pve, "agent.yml")
    site.pve.fault("agent_never_up", vmid=first_id)
    guests = [row(first_id, vendor_snippet="local:snippets/agent.yml")]
    site.make(guests)
    with ssh_port(address(first_id)):
        done = site.run(guests, wait="ssh", timeout=8)
    assert WAY_OUT not in done.warnings + done.message


def test_an_address_by_dhcp_that_no_agent_tells_has_the_same_way_out(site: Site, first_id: int) -> None:
    site.pve.fault("agent_never_up", vmid=first_id)
    networks = [{"bridge": "vmbr0", "addresses": ["dhcp"]}]
    site.make([row(first_id, networks=networks)])
    error = site.run([row(first_id, networks=networks)], wait="ssh", timeout=8).guest(first_id)["error"]
    assert "if its system is up, it has no agent" in error and WAY_OUT in error
