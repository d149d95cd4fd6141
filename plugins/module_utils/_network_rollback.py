# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that takes its own network back unless it is told in time that the new one is right.

The former /etc/network/interfaces is kept in a file, and a timer of systemd puts it back. Whoever moves that file away
first has decided: the confirmation, or the host. So there is no moment at which both could happen, or neither. A restart
ends the timer, so a service puts the file back at boot, before the network starts; it is there only as long as the file is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError, ProblemsError

UNIT = "detectviz-network-rollback"
FOLDER = "var/lib/detectviz-infra/network-rollback"
BOOT = f"{UNIT}-boot.service"
BOOT_LINK = f"multi-user.target.wants/{BOOT}"
KEPT, RESTORING = "interfaces", "restoring"
POLL_SECONDS = 1
RELOAD_TRIES = 6

Run = Callable[[list[str]], tuple[int, str, str]]
"""Runs a command: (exit code, stdout, stderr)."""


def restore_script(folder: str, network: str, units: str) -> str:
    """The shell text that puts the kept file back. ``ifreload`` is tried again, as another one may still be at work."""
    return (
        f"mv {folder}/{KEPT} {folder}/{RESTORING} 2>/dev/null || exit 0; {_put_back(folder, network)}"
        f"tries=0; until ifreload -a; do tries=$((tries + 1)); [ $tries -lt {RELOAD_TRIES} ] || exit 1; sleep 10; done; "
        f"rm -f {folder}/{RESTORING} {units}/{BOOT_LINK} {units}/{BOOT}"
    )


def boot_script(folder: str, network: str, units: str) -> str:
    """The same at boot, where the network has not started, and where the host may have gone down while it restored."""
    return (
        f"mv {folder}/{KEPT} {folder}/{RESTORING} 2>/dev/null; [ -e {folder}/{RESTORING} ] || exit 0; "
        f"{_put_back(folder, network)}rm -f {folder}/{RESTORING} {units}/{BOOT_LINK} {units}/{BOOT}"
    )


def _put_back(folder: str, network: str) -> str:
    return (
        f"cp -p {folder}/{RESTORING} {network}/.{UNIT} && mv -f {network}/.{UNIT} {network}/interfaces || exit 1; "
        f"rm -f {network}/interfaces.new; "
    )


def boot_unit(folder: str, network: str, units: str) -> str:
    """The service that runs it before anything of the network."""
    script = boot_script(folder, network, units).replace("%", "%%").replace("$", "$$")
    return (
        "# Written by detectviz.infra. It is gone when the change of the network is confirmed or taken back.\n"
        "[Unit]\nDescription=The former network is put back, as nobody has confirmed the new one\n"
        f"DefaultDependencies=no\nRequiresMountsFor={folder} {network}\nAfter=local-fs.target systemd-remount-fs.service\n"
        "Wants=network-pre.target\nBefore=network-pre.target networking.service\n"
        f"\n[Service]\nType=oneshot\nExecStart=/bin/sh -c '{script}'\n"
    )


def unmet_links(bridges: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the kernel lacks of the bridges that come up by themselves; empty when all is as wanted.

    ``bridges`` are rows of ``proxmox_network`` (name, and any of cidr, cidr6, mtu, autostart), ``links`` the answer of
    ``ip -json address show``.
    """
    present = {link["ifname"]: link for link in links}
    problems = []
    for bridge in bridges:
        if not bridge.get("autostart"):
            continue
        name, link = bridge["name"], present.get(bridge["name"])
        if link is None:
            problems.append(f"{name} is not there")
            continue
        if "UP" not in link.get("flags", []):
            problems.append(f"{name} is not up")
        if bridge.get("mtu") and int(bridge["mtu"]) != int(link["mtu"]):
            problems.append(f"{name} has MTU {link['mtu']}, not {bridge['mtu']}")
        held = [f"{item['local']}/{item['prefixlen']}" for item in link.get("addr_info", [])]
        for address in (bridge.get("cidr"), bridge.get("cidr6")):
            if address and address not in held:
                problems.append(f"{name} has {', '.join(held) or 'no address'}, not {address}")
    return problems


@contextlib.contextmanager
def _told(path: Path, outcome: str) -> Iterator[None]:
    """Raises InfraError that names the file, ``path`` where the system names none, and what has become of the network."""
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename or path
        raise InfraError(
            f"{named}: {error.strerror or error}. {outcome}. See that the host's disk has room and can be written "
            f"(df, mount), and run again"
        ) from error


class Rollback:
    """The timer and the kept file of this host. ``root`` is where its files begin."""

    def __init__(self, run: Run, root: Path = Path("/"), sleep: Callable[[float], None] = time.sleep) -> None:
        self._run = run
        self._sleep = sleep
        self._folder = root / FOLDER
        self._network = root / "etc/network"
        self._units = root / "etc/systemd/system"

    def armed(self) -> bool:
        """Whether the timer runs, or what it starts."""
        said = self._run(["systemctl", "show", "--property=ActiveState", f"{UNIT}.timer", f"{UNIT}.service"])[1]
        return any(f"ActiveState={state}" in said for state in ("active", "activating", "deactivating"))

    def unconfirmed(self) -> bool:
        """Whether a change of the network was neither confirmed nor completely taken back."""
        return (self._folder / KEPT).exists() or (self._folder / RESTORING).exists()

    def problems(self) -> list[str]:
        """Why the host cannot take its network back by itself; empty when it can."""
        found = [
            f"{program} is not there: {way_out}"
            for program, way_out in (
                ("ifreload", "apt install ifupdown2, which Proxmox VE needs for a network reload as well"),
                ("systemd-run", "it comes with systemd"),
            )
            if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None
        ]
        if not (self._network / "interfaces").is_file():
            found.append(f"{self._network}/interfaces is not there")
        return found

    def arm(self, seconds: int) -> None:
        """Keep the present file and start the timer. Raises InfraError."""
        draft = self._folder / "draft"
        try:
            with _told(draft, "Nothing was changed"):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._folder.chmod(0o700)
                shutil.copy2(self._network / "interfaces", draft)
                with draft.open("rb") as handle:
                    os.fsync(handle.fileno())
                draft.rename(self._folder / KEPT)
            with _told(self._units / BOOT, "Nothing was changed"):
                self._restore_at_boot()
        except InfraError:
            self._drop()
            raise
        # A service of that name that failed once would keep a new one from being made.
        self._run(["systemctl", "reset-failed", f"{UNIT}.service", f"{UNIT}.timer"])
        code, error = self._restore(UNIT, f"--on-active={seconds}s", "--timer-property=AccuracySec=1s")
        if code:
            self._drop()
            raise InfraError(f"the timer {UNIT} cannot be started: {error}. Nothing was changed")

    def _drop(self) -> None:
        """Nothing waits for a confirmation: without the kept file neither timer nor service does anything."""
        for path in (self._folder / KEPT, self._folder / "draft", self._units / BOOT_LINK, self._units / BOOT):
            with contextlib.suppress(OSError):
                path.unlink()

    def confirm(self, bridges: Sequence[Mapping[str, Any]]) -> None:
        """Keep the new network, if its bridges are as wanted. Raises InfraError, and the timer goes on."""
        code, out, error = self._run(["ip", "-json", "address", "show"])
        problems = unmet_links(bridges, json.loads(out or "[]")) if code == 0 else [f"ip address show: {error.strip()}"]
        if problems:
            raise ProblemsError("the new network is not as it was wanted:", problems)
        done = self._folder / "confirmed"
        with _told(
            self._folder / KEPT, "The change is not confirmed, so the host takes its former network back by itself"
        ):
            try:
                (self._folder / KEPT).rename(done)
            except FileNotFoundError:
                raise InfraError("too late: the host has taken its former network back") from None
        # From here on the new network stays, whatever becomes of these files: the next change writes them anew.
        self._run(["systemctl", "stop", f"{UNIT}.timer"])
        self._drop()
        with contextlib.suppress(OSError):
            done.unlink()

    def wait(self, seconds: int) -> None:
        """Wait until no timer runs; it ends by itself. Raises InfraError after ``seconds``."""
        for _poll in range(seconds // POLL_SECONDS):
            if not self.armed():
                return
            self._sleep(POLL_SECONDS)
        raise InfraError(
            f"a change of the network still waits for its confirmation after {seconds} s; look at the host: "
            f"systemctl list-timers {UNIT}.timer; journalctl -u {UNIT}"
        )

    def take_back(self) -> None:
        """Put the kept file back now. Raises InfraError when the host's own reload fails."""
        half = self._folder / RESTORING
        with _told(half, "The former network could not be put back"):
            if half.exists():
                half.rename(self._folder / KEPT)
        code, error = self._restore(f"{UNIT}-now", "--wait", "--collect")
        self._run(["systemctl", "stop", f"{UNIT}.timer"])
        if code or self.unconfirmed():
            raise InfraError(
                f"the former network could not be put back: {error or 'ifreload -a failed'}. Its file is "
                f"{half}; look at it at the host's console: journalctl -u {UNIT}-now"
            )

    def _restore_at_boot(self) -> None:
        """Enabled by hand: only the next boot has to know, and the running systemd need not read its units again."""
        unit, wanted = self._units / BOOT, self._units / BOOT_LINK
        with unit.open("w", encoding="utf-8") as handle:
            handle.write(boot_unit(*self._places()))
            handle.flush()
            os.fsync(handle.fileno())
        wanted.parent.mkdir(exist_ok=True)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(f"../{BOOT}")

    def _places(self) -> tuple[str, str, str]:
        return str(self._folder), str(self._network), str(self._units)

    def _restore(self, unit: str, *options: str) -> tuple[int, str]:
        """Have systemd put the file back, outside of the SSH session that the reload may end: (exit code, error)."""
        script = restore_script(*self._places())
        command = ["systemd-run", f"--unit={unit}", "--service-type=oneshot", "--quiet", *options]
        code, _out, error = self._run([*command, "/bin/sh", "-c", script])
        return code, error.strip()
