"""`up`: make what of the lab is not there yet, in order, and say how long each part took."""

from __future__ import annotations

import argparse
import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lab
from lab.artifacts import mirror
from lab.cli import consent, facts, kubernetes, processes, site_overlay
from lab.cli.environment import connection_environment, write_environment
from lab.cli.places import Places, labs_folder
from lab.cli.plan import API_PORT, FILE_PORT, REGISTRY_PORT, Plan, plan, read_site
from lab.cli.systems import end_systems, host_container
from lab.nodes import cloud_image, host_system, image_build, namespace, recipe, requirements, router, safety
from lab.nodes.backend import write_settings
from lab.nodes.commands import run as command
from lab.pve.schema import build as schema

CHECKOUT = Path(lab.__file__).resolve().parent.parent
DEFAULT_SITE = CHECKOUT / "inventory/detectviz"
ANSWER_SECONDS = 60
AFTER_INTERRUPT = "; `up` goes on where it was, `down` clears what is there"


class StartFailed(RuntimeError):
    """A part of the lab did not come up; the text says which, and where its log is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="start without asking")
    parser.add_argument("--site", type=Path, default=DEFAULT_SITE, help="folder of the site (default: the documented)")
    parser.add_argument("--profile", default="lvmthin", help="timing profile of the emulator (default: %(default)s)")
    parser.add_argument("--plain-image", action="store_true",
                        help="a cloud image whose guest agent does not start by itself; a vendor snippet starts it")
    parser.add_argument("--without-kubernetes", action="store_true",
                        help="no packages and images for a cluster, also when the site has one")
    kubernetes.add_minor_argument(parser)
    kubernetes.add_source_arguments(parser)
    parser.add_argument("--time-scale", default="0.1", help="how long emulated work takes, 1 is real (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Bring the lab up; a second call makes what is missing and leaves the rest as it is."""
    places = Places.of(options.name)
    began = time.monotonic()
    requirements.require(recipe.cache_dir(), labs_folder())
    for remark in requirements.remarks():
        say(remark)
    consent.ask(
        labs_folder() / "agreed", options.yes,
        name=places.name, namespace=places.namespace, cache=recipe.cache_dir(),
    )  # fmt: skip
    places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with one_at_a_time(places):
        _bring_up(places, options)
    say(f"lab {places.name} is up after {time.monotonic() - began:.0f} s")
    say(f"  python -m lab --name {places.name} exec -- ansible-playbook site.yml")
    return 0


def _bring_up(places: Places, options: argparse.Namespace) -> None:
    source = options.site.resolve()
    site = read_site(source)
    layout = plan(site)
    before = facts.load(places.facts)
    if before and before.source != str(source):
        raise StartFailed(f"lab {places.name} was made from {before.source}: take it down first, or choose a --name")
    plain = options.plain_image or bool(before and before.plain_image)
    with step("image"):
        rootfs = _image(before)
        images = cloud_image.publish(places.served, layout.image_names or ("cloud.img",), rootfs, plain=plain)
        write_settings(places.systems, places.namespace, layout.node, images, dict(layout.gateways), agent=not plain)
    with step("API description"):
        _describe_api()
    known = facts.Facts(
        source=str(source), image=str(rootfs), node=layout.node, address=layout.address, files_url=layout.files_url,
        processes=before.processes if before else {}, plain_image=plain,
    )  # fmt: skip
    known.save(places.facts)
    with step("SSH key"):
        public_half = places.key.with_suffix(".pub")
        if not public_half.exists():  # it is written last
            places.key.unlink(missing_ok=True)
            command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab-{places.name}", "-f", places.key)
        public_key = public_half.read_text().strip()
    with step("network"):
        if not namespace.exists(places.namespace):
            end_systems(places)
            namespace.remove(places.namespace)
            namespace.create(places.namespace, layout.bridge)
    with step("sysctls"):
        safety.borrow_sysctls(places.name)
    with step("file server"):
        _start(places, known, "files", _file_server(places, layout), layout.file_server, FILE_PORT)
    made: mirror.Mirror | None = None
    if kubernetes.has_cluster(site) and not options.without_kubernetes:
        with step("packages and images"):
            workshop = kubernetes.workshop(options, say)
            made = mirror.make(workshop, rootfs, site, kubernetes.minors(site, options.minor), options.upstream)
            mirror.publish(made, places.served)
            kubernetes.link_client(places, made)
        with step("image registry"):
            argv = kubernetes.registry_command(places, layout, rootfs, made.registry)
            _start(places, known, "registry", argv, layout.file_server, REGISTRY_PORT)
    with step(f"Proxmox host {layout.node}"):
        host = host_container(places, rootfs)
        host_system.install(host, layout.node, layout.address, public_key)
        host_system.boot(host, places.namespace)
    with step("site"):
        checksum = next(iter(images))
        data = site_overlay.overlay(
            site, layout, checksum, host_system.public_host_keys(host), public_key, places.key, snippets=plain
        )
        if made:
            data.update(kubernetes.overlay(site, layout, made))
        site_overlay.write_copy(source, places.site, data)
    with step("Proxmox API"):
        _start(places, known, "emulator", _emulator(places, options, layout), layout.address, API_PORT)
        connection = _connection(places)
        places.connection.touch(mode=0o600)
        places.connection.write_text(json.dumps(connection, indent=1))
        write_environment(places.environment, connection_environment(connection, places, site))


def _describe_api() -> None:
    """The emulator's own: it has no way to a package index from inside the lab's network."""
    try:
        for version in schema.VERSIONS:
            schema.ensure(version)
    except RuntimeError as error:
        raise StartFailed(str(error)) from error


def _image(before: facts.Facts | None) -> Path:
    """A lab keeps the image its systems' disks lie on, also when a newer recipe would make another."""
    if before and Path(before.image).is_dir():
        return Path(before.image)
    return image_build.build_image(say)


def _file_server(places: Places, layout: Plan) -> list[str]:
    return [
        *namespace.enter(router.name(places.namespace)), sys.executable, "-m", "http.server",
        "--bind", layout.file_server, "--directory", str(places.served), str(FILE_PORT),
    ]  # fmt: skip


def _emulator(places: Places, options: argparse.Namespace, layout: Plan) -> list[str]:
    return [
        *namespace.enter(places.namespace), sys.executable, "-m", "lab", "pve",
        "--host", layout.address, "--port", str(API_PORT), "--state", str(places.emulator),
        "--site", str(places.site), "--profile", options.profile, "--time-scale", str(options.time_scale),
        "--backend", "lab.nodes.backend:for_world",
    ]  # fmt: skip


def _start(places: Places, known: facts.Facts, name: str, argv: list[str], address: str, port: int) -> None:
    """Start one of the lab's programs unless it runs, and wait until its port answers."""
    log = places.logs / f"{name}.log"
    process = known.processes.get(name)
    if process is None or not process.alive():
        with processes.not_interrupted():  # or nobody would know it
            process = processes.start(argv, log, CHECKOUT)
            known.processes[name] = process
            known.save(places.facts)
    limit = time.monotonic() + ANSWER_SECONDS
    while not answers(places.namespace, address, port):
        if not process.alive() or time.monotonic() > limit:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            state = "does not answer" if process.alive() else "has ended"
            raise StartFailed(f"the {name} at {address}:{port} {state}; the end of {log}:\n{tail}")
        time.sleep(0.1)


def _connection(places: Places) -> dict[str, object]:
    """How to reach the emulator; it writes this when it is ready, a moment after its port is open."""
    path = places.emulator / "connection.json"
    limit = time.monotonic() + ANSWER_SECONDS
    while not path.exists():
        if time.monotonic() > limit:
            raise StartFailed(f"the emulator has not written {path} after {ANSWER_SECONDS} s")
        time.sleep(0.1)
    return dict(json.loads(path.read_text()))


def answers(name: str, address: str, port: int) -> bool:
    """Whether a port takes connections, seen from inside the namespace."""
    probe = f"import socket; socket.create_connection(({address!r}, {port}), 1)"
    argv = [*namespace.enter(name), sys.executable, "-S", "-c", probe]
    done = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


@contextmanager
def one_at_a_time(places: Places) -> Iterator[None]:
    """Two `up` or `down` of one lab wait for each other."""
    lock = labs_folder() / f".{places.name}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    print(f"lab: {text}", flush=True)
