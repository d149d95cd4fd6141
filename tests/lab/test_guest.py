"""A guest of the lab is a real system: boot, cloud-init, network, agent, power."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.nodes.backend import ContainerBackend
from lab.pve.guests.backend import AgentNotRunning, BackendError, GuestDisk, Nic
from tests.lab.conftest import LabCommand
from tests.lab.guests import Machine, Scenario, with_guest, within


@pytest.fixture()
def guest(running_lab: LabCommand) -> Callable[..., None]:
    """Runs a scenario with one guest, which is destroyed afterwards."""

    def run(scenario: Scenario, vmid: int = 111, start: bool = True, **changes: Any) -> None:
        asyncio.run(with_guest(running_lab, scenario, vmid, start, **changes))

    return run


def test_cloud_init_makes_the_guest_what_its_seed_says(guest: Callable[..., None], tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.until_booted()
        assert await machine.run("/usr/bin/cloud-init", "status") == (0, "status: done\n")
        assert (await machine.read("/etc/hostname")).strip() == "guest-111"
        assert (await machine.agent("guest-get-osinfo"))["id"] == "debian"
        _, names = await machine.shell("cat /run/systemd/resolve/resolv.conf")
        assert "nameserver 192.168.0.2" in names and "search detectviz.internal" in names
        assert (await machine.read("/etc/machine-id")).strip() == machine.spec.uuid.replace("-", "")
        _, state = await machine.shell("systemctl is-system-running --wait; systemctl --failed --plain --no-legend")
        assert state == "running\n"

        cards = {card["name"]: card for card in await machine.agent("guest-network-get-interfaces")}
        for nic, address in zip(machine.spec.nics, ("192.168.0.11", "10.0.0.11"), strict=True):
            card = cards[f"eth{nic.index}"]
            assert card["hardware-address"] == nic.mac.lower()
            assert address in [item["ip-address"] for item in card["ip-addresses"]]

        # The key that the agent reads is the key that SSH shows.
        kind, key, *_ = (await machine.read("/etc/ssh/ssh_host_ed25519_key.pub")).split()
        scanned = machine.outside("ssh-keyscan", "-t", "ed25519", machine.address).stdout.split()
        assert scanned[:3] == [machine.address, kind, key]
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(f"{machine.address} {kind} {key}\n")
        login = machine.ssh("hostname -f; sudo id --user", known_hosts)
        assert login.stdout == "guest-111.detectviz.internal\n0\n", login.stderr

        for target in (machine.address, "10.0.0.11"):
            ping = machine.outside("ping", "-c", "1", "-M", "do", "-s", str(9000 - 28), target)
            assert ping.returncode == 0, ping.stdout
        too_big = machine.outside("ping", "-c", "1", "-W", "1", "-M", "do", "-s", str(9001 - 28), machine.address)
        assert too_big.returncode != 0

    guest(scenario)


def test_mounts_are_shared_with_pods_and_not_with_the_machine(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.until_booted()
        for place in ("/", "/sys", "/run", "/var/lib/kubelet"):
            assert await machine.shell(f"findmnt -no PROPAGATION {place}") == (0, "shared\n"), place
        await machine.shell("mkdir -p /mnt/own && mount -t tmpfs own /mnt/own")
        assert "/mnt/own" not in Path("/proc/self/mountinfo").read_text()

    guest(scenario)


def test_a_reboot_from_inside_keeps_the_disk_and_comes_back(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.until_booted()
        first_key = await machine.read("/etc/ssh/ssh_host_ed25519_key.pub")
        await machine.shell("echo kept > /var/lib/kept")
        first_boot = await machine.shell("cat /proc/sys/kernel/random/boot_id; journalctl --list-boots --quiet")
        await machine.agent("guest-exec", path="/usr/bin/systemctl", arg=["reboot"])
        await _gone(machine)
        await machine.until_booted()
        assert await machine.read("/var/lib/kept") == "kept\n"
        assert await machine.read("/etc/ssh/ssh_host_ed25519_key.pub") == first_key
        second_boot = await machine.shell("cat /proc/sys/kernel/random/boot_id; journalctl --list-boots --quiet")
        assert second_boot[1].splitlines()[0] != first_boot[1].splitlines()[0]
        assert len(second_boot[1].splitlines()) == len(first_boot[1].splitlines()) + 1

    guest(scenario)


def test_shutdown_and_start_keep_the_disk_and_destroy_removes_it(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        backend, vmid = machine.backend, machine.spec.vmid
        await machine.until_booted()
        await machine.shell("echo kept > /var/lib/kept; sync")
        await within(60, backend.shutdown(vmid))
        assert vmid not in await backend.running()
        with pytest.raises(AgentNotRunning):
            await machine.agent("guest-ping")
        await backend.start(machine.spec)
        await machine.until_agent()
        assert await machine.read("/var/lib/kept") == "kept\n"
        await backend.reset(vmid)
        await machine.until_agent()
        assert await machine.read("/var/lib/kept") == "kept\n"
        await backend.destroy(vmid)
        assert vmid not in await backend.running()
        await backend.start(machine.spec)
        await machine.until_agent()
        assert (await machine.shell("test -e /var/lib/kept"))[0] == 1

    guest(scenario)


def test_a_guest_without_power_has_no_network(guest: Callable[..., None]) -> None:
    """The kernel keeps a network for as long as something in it is open: here by a pod's own network."""

    async def scenario(machine: Machine) -> None:
        await machine.until_booted()
        await machine.shell("ip netns add held && ip link add inner type veth peer name outer && ip link set inner netns held")
        await machine.backend.stop(machine.spec.vmid)
        ports = machine.outside("ip", "-br", "link").stdout
        assert f"tap{machine.spec.vmid}i" not in ports

    guest(scenario)


def test_a_second_backend_finds_what_the_first_has_started(guest: Callable[..., None], running_lab: LabCommand) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.until_agent()
        other = ContainerBackend(running_lab.folder / "systems")
        assert machine.spec.vmid in await other.running()
        await within(60, other.shutdown(machine.spec.vmid))
        assert machine.spec.vmid not in await other.running()

    guest(scenario)


@pytest.mark.parametrize("checksum", [None, "0" * 64])
def test_a_disk_without_a_known_system_runs_but_never_boots(guest: Callable[..., None], checksum: str | None) -> None:
    async def scenario(machine: Machine) -> None:
        vmid = machine.spec.vmid
        assert vmid in await machine.backend.running()
        with pytest.raises(AgentNotRunning):
            await machine.agent("guest-ping")
        with pytest.raises(TimeoutError):
            await within(1, machine.backend.shutdown(vmid))
        await machine.backend.stop(vmid)
        assert vmid not in await machine.backend.running()

    guest(scenario, image_sha256=checksum)


def test_a_card_on_a_bridge_that_is_not_there_stops_the_start(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        with pytest.raises(BackendError, match="bridge 'vmbr7' does not exist"):
            await machine.backend.start(machine.spec)
        assert machine.spec.vmid not in await machine.backend.running()

    guest(scenario, start=False, nics=[Nic(0, "BC:24:11:00:00:11", "vmbr7", None, None, "virtio")])


def test_a_vlan_tag_is_set_or_refused_with_the_reason(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        try:
            await machine.backend.start(machine.spec)
        except BackendError as refusal:
            assert "VLAN tag 20 on vmbr0 cannot be had in this lab" in str(refusal)
            assert machine.spec.vmid not in await machine.backend.running()
        else:
            shown = machine.outside("bridge", "vlan", "show", "dev", f"tap{machine.spec.vmid}i0").stdout
            assert "20 PVID Egress Untagged" in shown

    guest(scenario, start=False, nics=[Nic(0, "BC:24:11:00:00:11", "vmbr0", None, 20, "virtio")])


def test_a_card_with_a_smaller_mtu_has_it_inside(guest: Callable[..., None]) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.until_agent()
        assert (await machine.shell("cat /sys/class/net/eth0/mtu /sys/class/net/eth1/mtu"))[1] == "1450\n9000\n"

    cards = [
        Nic(0, "BC:24:11:00:00:0B", "vmbr0", 1450, None, "virtio"),
        Nic(1, "BC:24:11:00:01:0B", "vmbr1", None, None, "virtio"),
    ]
    guest(scenario, nics=cards)


def test_limits_and_data_disks_are_those_of_the_guest(guest: Callable[..., None], running_lab: LabCommand) -> None:
    disks = [
        GuestDisk("scsi0", "a", 10 * 2**30, None), GuestDisk("scsi1", "b", 250 * 2**30, "data"),
        GuestDisk("scsi2", "c", 2**20, None), GuestDisk("efidisk0", "d", 2**20, None),
    ]  # fmt: skip

    async def scenario(machine: Machine) -> None:
        await machine.until_agent()
        _, limits = await machine.shell("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max")
        assert str(1024 * 2**20) in limits.split()
        file = running_lab.folder / f"systems/{machine.spec.vmid}/disks/scsi1.raw"
        assert file.stat().st_size == 250 * 2**30
        assert file.stat().st_blocks == 0
        by_id = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK"
        _, sizes = await machine.shell(f"blockdev --getsize64 {by_id}_data {by_id}_drive-scsi2")
        assert sizes.split() == [str(250 * 2**30), str(2**20)]
        _, made = await machine.shell(f"mkfs.ext4 -q {by_id}_drive-scsi2 && mount {by_id}_drive-scsi2 /mnt && echo MOUNTED")
        assert "MOUNTED" in made
        _, others = await machine.shell("ls /dev | grep -c loop")
        assert others.strip() == "2", "the guest has other loop devices than its own"
        await machine.backend.stop(machine.spec.vmid)
        assert not [path for path in Path("/sys/block").glob("loop*/loop/backing_file") if str(file) in path.read_text()]

    guest(scenario, disks=disks)


async def _gone(machine: Machine) -> None:
    """The agent stops answering, as a guest does that goes down."""
    for _ in range(300):
        try:
            await machine.agent("guest-ping")
        except AgentNotRunning:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the guest did not go down")
