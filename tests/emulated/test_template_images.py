"""A template from an image whose checksum is the publisher's list, over TLS."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve import tls
from lab.pve.process import ROOT, Emulator
from tests.web_server import Files, serving

IMAGE = b"a cloud image" * 1000


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An https server with an image and its list; its address and the CA that vouches for it."""
    folder = tmp_path_factory.mktemp("publisher")
    (folder / "noble.raw").write_bytes(IMAGE)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(IMAGE).hexdigest()} *noble.raw\n")
    certificates = tls.ensure(folder / "tls", ["localhost"], ["127.0.0.1"])

    with serving(functools.partial(Files, directory=str(folder)), tls.context(certificates)) as port:
        yield f"https://localhost:{port}", certificates.ca_path


@pytest.fixture(scope="module")
def pve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.start(tmp_path_factory.mktemp("pve")) as emulator:
        yield emulator


def make(pve: Emulator, ca: Path, *, url: str, checksum: str, vm_id: int) -> dict[str, Any]:
    """The module's result, run as Ansible's ad-hoc command runs it."""
    arguments = {"name": f"image-{vm_id}", "vm_id": vm_id, "storage": "local-lvm", "image": {"url": url, "checksum": checksum}}
    environment = {
        **os.environ, **pve.environment, "SSL_CERT_FILE": str(ca), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }  # fmt: skip
    command = [
        str(Path(sys.executable).parent / "ansible"), "localhost", "-i", "localhost,", "-c", "local",
        "-e", f"ansible_python_interpreter={sys.executable}",
        "-m", "detectviz.infra.proxmox_vm_template", "-a", json.dumps(arguments),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)
    return json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]


def test_a_list_without_the_image_stops_before_anything_is_made(pve: Emulator, publisher: tuple[str, Path]) -> None:
    address, ca = publisher
    result = make(pve, ca, url=f"{address}/jammy.raw", checksum=f"sha256:{address}/SHA256SUMS", vm_id=9101)
    assert "does not name jammy.raw" in result["msg"]


def test_a_list_that_cannot_be_read_names_the_way_out(pve: Emulator, publisher: tuple[str, Path]) -> None:
    address, ca = publisher
    result = make(pve, ca, url=f"{address}/noble.raw", checksum=f"sha256:{address}/NOTHING", vm_id=9101)
    assert "cannot be read" in result["msg"]
    assert "give the checksum itself" in result["msg"]


def test_a_publisher_that_nobody_vouches_for_is_not_believed(pve: Emulator, publisher: tuple[str, Path]) -> None:
    address, _ca = publisher
    strangers = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    result = make(pve, strangers, url=f"{address}/noble.raw", checksum=f"sha256:{address}/SHA256SUMS", vm_id=9101)
    assert "certificate" in result["msg"].lower()


def test_the_digest_of_the_list_reaches_the_download(pve: Emulator, publisher: tuple[str, Path]) -> None:
    address, ca = publisher
    result = make(pve, ca, url=f"{address}/noble.raw", checksum=f"sha256:{address}/SHA256SUMS", vm_id=9101)
    # The download itself is the Proxmox host's, which does not know this publisher's CA: it is asked with the digest.
    tasks = pve.call("GET", "/nodes/pve/tasks").json()["data"]
    assert [task for task in tasks if task["type"] == "download"], result
    assert hashlib.sha256(IMAGE).hexdigest()[:12] in json.dumps(result)
