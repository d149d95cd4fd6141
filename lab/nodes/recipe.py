"""What the image of the lab's systems is made of. Its hash names the cached image."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

SUITE = "bookworm"
FALLBACK_MIRROR = "http://deb.debian.org/debian"
FILES = Path(__file__).parent / "image"

# What Debian's own cloud image brings, and what Kubernetes nodes and the Proxmox host's system need beside it,
# so that nothing has to be fetched once the lab runs.
PACKAGES = (
    # the system
    "systemd", "systemd-sysv", "systemd-resolved", "libpam-systemd", "dbus", "kmod", "procps", "ca-certificates",
    "locales", "less", "acl", "gnupg", "xz-utils",
    # what a cloud image is
    "cloud-init", "qemu-guest-agent", "openssh-server", "sudo", "python3", "python3-apt", "python3-yaml",
    # network tools
    "iproute2", "iputils-ping", "iputils-arping", "iptables", "nftables", "ebtables", "ipset", "conntrack",
    "ethtool", "socat", "curl", "bridge-utils", "tcpdump",
    # storage tools and the container runtime's low level
    "lvm2", "e2fsprogs", "runc",
    # what virtual machines set their clock with; it does not start in a container
    "systemd-timesyncd",
    # the Proxmox host's system only; switched off until its role configures it
    "dnsmasq",
    # run from the image by the lab itself, in no system
    "docker-registry",
)  # fmt: skip

# udev would act on the real machine's devices; the rest has no meaning in a container or wants the internet.
MASKED_UNITS = (
    "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service", "systemd-udev-settle.service", "lvm2-monitor.service", "lvm2-lvmpolld.socket",
    "blk-availability.service", "dm-event.socket", "console-getty.service", "getty.target", "apt-daily.timer",
    "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
)  # fmt: skip
ENABLED_UNITS = ("systemd-networkd.service", "systemd-resolved.service", "ssh.service", "qemu-guest-agent.service")
DISABLED_UNITS = ("dnsmasq.service", "docker-registry.service")

# networkd would hold every boot for the 12 s in which an IPv6 router might announce itself; the lab has none.
CARDS = tuple(f"eth{number}" for number in range(8))
NO_ROUTER_ANNOUNCEMENTS = "[Network]\nIPv6AcceptRA=no\n"

# Each system makes its own at first boot, as with a cloud image.
REMOVED = ("etc/machine-id", "var/lib/dbus/machine-id", "etc/hostname", "etc/ssh/ssh_host_*", "var/cache/apt/*.bin",
           "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "var/log/*.log", "var/log/apt/*")  # fmt: skip


def image_files() -> dict[str, Path]:
    """Files laid over the packages: path in the image to file here."""
    return {
        str(path.relative_to(FILES)): path for path in sorted(FILES.rglob("*")) if path.is_file()
    }


def recipe_hash() -> str:
    """Twelve hex digits that change when anything the image is made from changes."""
    content = {
        "suite": SUITE, "packages": PACKAGES, "masked": MASKED_UNITS, "enabled": ENABLED_UNITS,
        "disabled": DISABLED_UNITS, "removed": REMOVED, "cards": [CARDS, NO_ROUTER_ANNOUNCEMENTS],
        "files": {name: [path.read_text(), path.stat().st_mode & 0o111] for name, path in image_files().items()},
        "machine": os.uname().machine,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def cache_dir() -> Path:
    """Where built images stay between labs: DETECTVIZ_CACHE, else detectviz-infra below the user's cache folder."""
    chosen = os.environ.get("DETECTVIZ_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "detectviz-infra"
