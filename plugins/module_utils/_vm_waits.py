# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a started guest: first its SSH port, which costs the API nothing, then the agent for its host keys.

An agent that is not up keeps a worker of the host busy for three seconds, and a host has three: so there is one probe
at a time per node, and at least three seconds from the begin of a failed probe to that of the next.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.detectviz.infra.plugins.module_utils._clock import Deadline
from ansible_collections.detectviz.infra.plugins.module_utils._errors import DeadlineError, InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._host_keys import read_host_keys
from ansible_collections.detectviz.infra.plugins.module_utils._pve_errors import ApiError
from ansible_collections.detectviz.infra.plugins.module_utils._vm_guest import Guest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_pipeline import StepError, Tools

T = TypeVar("T")
PROBE_SECONDS = 3.0
SSH_PORT = 22
SSH_SECONDS = 1.0
# What helps a guest without an agent that nobody has told to install one.
NO_AGENT = (
    "the cloud images of the distributions do not hold qemu-guest-agent. Let the first boot install it "
    "(host_preparation.snippets: true in the site's data, or vendor_snippet with a snippet of your own; a guest that "
    "has booted before has to be made again), or put it into the image"
)
# How long a guest that answers on SSH may take to bring up its agent; many images have none.
AGENT_GRACE = 60.0


@dataclass
class Arrival:
    """What is known of a guest once it is up."""

    addresses: list[str] = field(default_factory=list)
    host_keys: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Waiter:
    """Waits for guests of all nodes; may be used from several threads."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._node_locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def arrival(self, guest: Guest, node: str, how: str, deadline: Deadline) -> Arrival:
        """Waits as told (``none``, ``agent``, ``ssh``). Raises StepError when the guest does not come."""
        arrival = Arrival(addresses=guest.static_addresses)
        if how == "none":
            return arrival
        self._tools.progress.say(guest.name, f"wait for {how}", "start")
        try:
            if not arrival.addresses:
                arrival.addresses = self._leased(guest, node, deadline)
            if how == "ssh":
                self._ssh(guest, arrival.addresses, deadline)
            self._read_host_keys(guest, node, how, arrival, deadline)
        except InfraError as error:
            self._tools.progress.say(guest.name, f"wait for {how}", f"failed: {error}")
            if isinstance(error, DeadlineError) and _without_snippet(guest):
                if not arrival.addresses:
                    error = InfraError(f"{error}\n  if its system is up, it has no agent: {NO_AGENT}")
                elif how == "agent" and self._answers_on_ssh(arrival.addresses):
                    error = InfraError(f"{error}\n  it answers on SSH, so it has no agent: {NO_AGENT}")
            console = f"`qm terminal {guest.vm_id}` on {node}, or its console in the web interface"
            cause = InfraError(f"{str(error).removeprefix(guest.label + ': ')}\n  to see how far it came: {console}")
            raise StepError(guest.label, f"wait for {how}", cause) from error
        self._tools.progress.say(guest.name, f"wait for {how}", "done")
        return arrival

    @staticmethod
    def _answers_on_ssh(addresses: list[str]) -> bool:
        """One try for each address."""
        for address in addresses:
            with contextlib.suppress(OSError), socket.create_connection((address, SSH_PORT), timeout=SSH_SECONDS):
                return True
        return False

    def _ssh(self, guest: Guest, addresses: list[str], deadline: Deadline) -> None:
        """Returns when one of the addresses takes a connection on port 22."""
        with _last_answer() as last:
            while True:
                for address in addresses:
                    try:
                        with socket.create_connection((address, SSH_PORT), timeout=min(3.0, max(0.1, deadline.left()))):
                            return
                    except OSError as error:
                        last.append(f"{address} port {SSH_PORT}: {error}")
                deadline.pause(SSH_SECONDS, f"SSH of {guest.label} at {', '.join(addresses)}")

    def _read_host_keys(self, guest: Guest, node: str, how: str, arrival: Arrival, deadline: Deadline) -> None:
        """The guest's own public host key, over the authenticated API; sshd makes it while it boots."""
        path = f"nodes/{node}/qemu/{guest.vm_id}"
        # A first boot that installs the agent upgrades all packages before, so it may take all the time that there is.
        patient = how == "agent" or not _without_snippet(guest)
        until = deadline if patient else Deadline.after(self._tools.clock, AGENT_GRACE, guest.label, deadline)
        try:
            arrival.host_keys = self._ask(
                lambda: read_host_keys(self._tools.client, path), node, until, f"the agent of {guest.label} to show its host key"
            )
        except (DeadlineError, ApiError) as error:
            if how == "agent":
                raise
            arrival.warnings.append(
                f"{guest.label}: its host key could not be read by the guest agent ({error}); "
                f"pin it by another trusted way"
            )
            if isinstance(error, DeadlineError) and _without_snippet(guest):
                arrival.warnings.append(f"{guest.label} answers on SSH, its agent does not: {NO_AGENT}")

    def _leased(self, guest: Guest, node: str, deadline: Deadline) -> list[str]:
        """Addresses that the guest got by DHCP, as its agent tells them; waits until there is one."""
        path = f"nodes/{node}/qemu/{guest.vm_id}/agent/network-get-interfaces"
        awaited = f"the agent of {guest.label} to tell its addresses"
        while True:
            found = usable_addresses(self._ask(lambda: self._tools.client.get(path), node, deadline, awaited))
            if found:
                return found
            deadline.pause(PROBE_SECONDS, awaited)

    def _ask(self, call: Callable[[], T], node: str, deadline: Deadline, awaited: str) -> T:
        """What the agent answers to a call, tried until it does. A refusal (403 and the like) is raised at once."""
        with _last_answer() as last:
            while True:
                deadline.check(awaited)
                with self._node_locks[node]:
                    began = self._tools.clock.monotonic()
                    try:
                        return call()
                    except ApiError as error:
                        if error.status != 500 or "disabled" in error.text:
                            raise
                        last.append(str(error))
                    deadline.pause(max(0.0, began + PROBE_SECONDS - self._tools.clock.monotonic()), awaited)
                # The others that wait for the lock come first.
                self._tools.clock.sleep(0.05)


def _without_snippet(guest: Guest) -> bool:
    return "cicustom" not in guest.keys


@contextlib.contextmanager
def _last_answer() -> Iterator[list[str]]:
    """A list for answers that were not the awaited one; a deadline that passes says the last of them."""
    answers: list[str] = []
    try:
        yield answers
    except DeadlineError as error:
        raise DeadlineError("\n".join([str(error), *(f"  last answer: {text}" for text in answers[-1:])])) from error


def usable_addresses(answer: dict[str, Any]) -> list[str]:
    """Addresses of the guest's own cards in an answer of the agent: not loopback, link-local, container bridges."""
    result = []
    for card in answer.get("result") or []:
        if str(card.get("name", "")).startswith(("lo", "docker", "cni", "cali", "veth", "flannel", "vxlan", "kube")):
            continue
        for entry in card.get("ip-addresses") or []:
            address = ipaddress.ip_address(str(entry.get("ip-address", "")).partition("%")[0])
            if not (address.is_loopback or address.is_link_local):
                result.append(str(address))
    return result
