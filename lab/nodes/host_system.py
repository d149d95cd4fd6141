"""The Proxmox host's own system: a container that shares the lab's network, installed as its installer would."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from lab.nodes.commands import run
from lab.nodes.container import Container
from lab.nodes.namespace import path as namespace_path
from lab.pve.network import ifreload

# The bridges are the lab's; cloud-init and its network tools have no part in a Proxmox host.
MASKED = ("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service",
          "systemd-resolved.service")  # fmt: skip
IFRELOAD = "/usr/sbin/ifreload"
HOST_KEYS = ("ed25519", "rsa")


def install(container: Container, name: str, address: str, public_key: str) -> None:
    """Write the new system's name, host keys, root's authorised key, and what stands for ifupdown2. Once per lab."""
    done = container.folder / "installed"
    if done.exists():
        return
    container.destroy()  # what an attempt that was cut short has left
    container.attach_disk()
    root = container.rootfs
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{address} {name}\n")
    resolv = root / "etc/resolv.conf"
    resolv.unlink()
    resolv.write_text("nameserver 127.0.0.1\n")
    (root / "etc/cloud/cloud-init.disabled").touch()
    keys = root / "root/.ssh"
    keys.mkdir(mode=0o700, exist_ok=True)
    (keys / "authorized_keys").write_text(f"{public_key}\n")
    for kind in HOST_KEYS:
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{name}", "-f", root / f"etc/ssh/ssh_host_{kind}_key")
    run("systemctl", "--root", root, "mask", *MASKED)
    shutil.copyfile(ifreload.__file__, root / IFRELOAD.lstrip("/"))
    (root / IFRELOAD.lstrip("/")).chmod(0o755)
    container.detach_disk()
    done.touch()


def network_folder(folder: Path) -> Path:
    """/etc/network of the system in `folder`."""
    network = root(folder) / "etc/network"
    network.mkdir(parents=True, exist_ok=True)
    return network


def reload_network(container: Container) -> None:
    """Run the system's own `ifreload -a`, as a network reload of its API does. Raises CommandError."""
    run("nsenter", f"--target={container.pid()}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", IFRELOAD, "-a")


def root(folder: Path) -> Path:
    """The root of the system in `folder`: what it sees while it runs, what it has written while it is off."""
    rootfs = folder / "rootfs"
    return rootfs if rootfs.is_mount() else folder / "disk/upper"


def public_host_keys(container: Container) -> list[str]:
    """The system's own public keys as known_hosts has them: type and key, without a comment."""
    folder = container.folder / "disk/upper/etc/ssh"
    return [" ".join((folder / f"ssh_host_{kind}_key.pub").read_text().split()[:2]) for kind in HOST_KEYS]


def boot(container: Container, namespace: str) -> None:
    """Start the system in the lab's network namespace, unless it runs."""
    if not container.running():
        container.start(str(uuid.uuid4()), network_namespace=namespace_path(namespace))
