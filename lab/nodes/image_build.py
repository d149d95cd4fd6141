"""Build the root file system of the lab's systems with debootstrap, once per recipe."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.nodes import recipe
from lab.nodes.commands import CommandError, run

Say = Callable[[str], None]
# Settings of the machine's apt that decide whether its sources can be used at all.
APT_SETTINGS = ("Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::http::Proxy", "Acquire::https::Proxy")


def rootfs(cache: Path | None = None) -> Path:
    """The folder of the image of today's recipe, built or not."""
    return (cache or recipe.cache_dir()) / "images" / recipe.recipe_hash() / "rootfs"


def build_image(say: Say, cache: Path | None = None) -> Path:
    """The image's root file system, from the cache or built now (one to three minutes)."""
    target = rootfs(cache)
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        began = time.monotonic()
        say(f"image {folder.name}: building Debian 12 with {len(recipe.PACKAGES)} packages (kept in {folder})")
        unfinished = folder / "rootfs.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        _bootstrap(unfinished, folder / "build.log", say)
        _install(unfinished, folder / "build.log", say)
        _finish(unfinished)
        unfinished.rename(target)
        say(f"image {folder.name}: built in {time.monotonic() - began:.0f} s")
    return target


def mirrors() -> list[tuple[str, str]]:
    """(address, suite) of the Debian 12 archives the machine's apt is configured with, main first."""
    try:
        listing = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    except CommandError:
        listing = ""
    found = []
    for line in dict.fromkeys(listing.splitlines()):
        words = line.split()
        if len(words) == 3 and words[1].startswith(recipe.SUITE) and words[2] == "main":
            found.append((words[0], words[1]))
    found.sort(key=lambda pair: pair[1] != recipe.SUITE)
    return found if found and found[0][1] == recipe.SUITE else [(recipe.FALLBACK_MIRROR, recipe.SUITE)]


def apt_options() -> list[str]:
    """`-o` options that carry the machine's own apt settings into the image's build."""
    options = []
    for name in APT_SETTINGS:
        value = re.search(r"'(.*)'", run("apt-config", "shell", "VALUE", name, check=False))
        if value:
            options += ["-o", f"{name}={value.group(1)}"]
    return options


def _bootstrap(root: Path, log: Path, say: Say) -> None:
    address, suite = mirrors()[0]
    say("image: the base system")
    _logged(log, "w", "debootstrap", "--variant=minbase", suite, str(root), address)


def _install(root: Path, log: Path, say: Say) -> None:
    sources = root / "etc/apt/sources.list"
    sources.write_text("".join(f"deb {address} {suite} main\n" for address, suite in mirrors()))
    resolver = Path("/etc/resolv.conf")
    (root / "etc/resolv.conf").write_text(resolver.read_text() if resolver.exists() else "")
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/dpkg/dpkg.cfg.d/lab").write_text(
        "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
        "path-exclude=/usr/share/locale/*\npath-exclude=/usr/share/info/*\n"
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    options = [*apt_options(), "-o", "Dpkg::Options::=--force-confold", "-qq", "-y", "--no-install-recommends"]
    say("image: package lists")
    _in_image(root, log, "apt-get", *options, "update")
    say(f"image: {len(recipe.PACKAGES)} packages and what they need")
    _in_image(root, log, "apt-get", *options, "install", *recipe.PACKAGES)
    _in_image(root, log, "apt-get", "clean")
    policy.unlink()
    # No internet in the lab; an empty list lets `apt-get update` succeed with nothing to do.
    sources.write_text("")


def _finish(root: Path) -> None:
    for name, source in recipe.image_files().items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for card in recipe.CARDS:
        folder = root / f"etc/systemd/network/10-cloud-init-{card}.network.d"
        folder.mkdir(parents=True)
        (folder / "lab.conf").write_text(recipe.NO_ROUTER_ANNOUNCEMENTS)
    for pattern in recipe.REMOVED:
        for path in root.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    (root / "etc/machine-id").touch()
    (root / "var/log/journal").mkdir(parents=True, exist_ok=True)
    run("systemctl", "--root", root, "mask", *recipe.MASKED_UNITS)
    run("systemctl", "--root", root, "enable", *recipe.ENABLED_UNITS)
    run("systemctl", "--root", root, "disable", *recipe.DISABLED_UNITS)
    resolv = root / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.symlink_to("../run/systemd/resolve/stub-resolv.conf")


def _in_image(root: Path, log: Path, *command: str) -> None:
    """Run a command with the image as its root, in mount and process namespaces that vanish with it."""
    _logged(
        log, "a", "unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc",
        "chroot", str(root), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
        "LC_ALL=C", *command,
    )  # fmt: skip


def _logged(log: Path, mode: str, *argv: str) -> None:
    with log.open(mode) as output:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CommandError(list(argv[:3]), done.returncode, f"{tail}\nthe whole log: {log}")
