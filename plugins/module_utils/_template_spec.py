# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a template shall be: options in, Proxmox configuration out. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

CHECKSUM = re.compile(r"^(?P<algorithm>md5|sha1|sha224|sha256|sha384|sha512):(?P<digest>[0-9a-fA-F]{32,128})$")
DIGEST_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
IMPORT_SUFFIXES = (".qcow2", ".raw", ".vmdk")
"""What Proxmox takes as content type ``import``. Ubuntu calls its qcow2 images ``.img``."""

MARKER_TAG = "dvz-template"
"""Tells a template (or its half-made VM) that this module built from anybody else's."""


class TemplateOptionError(InfraError):
    """An option that cannot be used as given."""


@dataclass(frozen=True)
class Image:
    """A cloud image: ``algorithm`` and ``digest`` prove the download."""

    url: str
    algorithm: str
    digest: str
    filename: str


@dataclass(frozen=True)
class TemplateSpec:
    """One template on one node. ``memory_mb`` is in MiB."""

    name: str
    vm_id: int
    node: str
    storage: str
    import_storage: str
    image: Image | None
    bios: str = "ovmf"
    machine: str = "q35"
    cores: int = 2
    memory_mb: int = 2048
    cpu_type: str | None = None
    arch: str | None = None
    scsi_controller: str = "virtio-scsi-pci"
    cloud_init_drive: str = "ide2"
    discard: bool = True
    bridge: str | None = None
    pool: str | None = None
    user: str | None = None
    description: str = ""
    vendor_snippet: str | None = None


def parse_image(options: Mapping[str, Any] | None) -> Image | None:
    """Checked image options. Raises TemplateOptionError."""
    if not options:
        return None
    url, checksum = str(options["url"]), str(options["checksum"])
    match = CHECKSUM.match(checksum)
    if not match or len(match["digest"]) != DIGEST_LENGTHS[match["algorithm"]]:
        raise TemplateOptionError(
            f"image checksum {checksum!r} is not of the form sha256:<64 hex digits>; its publisher lists it"
        )
    digest = match["digest"].lower()
    filename = options.get("filename") or image_filename(url, digest)
    if not filename.endswith(IMPORT_SUFFIXES) or "/" in filename:
        raise TemplateOptionError(
            f"image filename {filename!r}: Proxmox imports names in {', '.join(IMPORT_SUFFIXES)} without a slash"
        )
    return Image(url, match["algorithm"], digest, filename)


def image_filename(url: str, digest: str) -> str:
    """A name that changes with the image's checksum, so that a file with this name is the image that is meant."""
    stem, suffix = posixpath.splitext(posixpath.basename(urlsplit(url).path))
    if suffix not in IMPORT_SUFFIXES:
        suffix = ".qcow2"
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", stem) or "image"
    return f"{stem}-{digest[:12]}{suffix}"


def image_volume(spec: TemplateSpec) -> str | None:
    """Volume id of the downloaded image."""
    return f"{spec.import_storage}:import/{spec.image.filename}" if spec.image else None


def create_parameters(spec: TemplateSpec) -> dict[str, Any]:
    """Parameters of ``POST /nodes/{node}/qemu`` for the VM that becomes the template."""
    volume = image_volume(spec)
    if volume is None:
        raise TemplateOptionError(
            f"template {spec.name} ({spec.vm_id}) does not exist on {spec.node}, and no image is given"
        )
    disk = f"{spec.storage}:0,import-from={volume}" + (",discard=on" if spec.discard else "")
    parameters: dict[str, Any] = {
        "vmid": spec.vm_id,
        "name": spec.name,
        "ostype": "l26",
        "bios": spec.bios,
        "cores": spec.cores,
        "memory": str(spec.memory_mb),
        "scsihw": spec.scsi_controller,
        "scsi0": disk,
        spec.cloud_init_drive: f"{spec.storage}:cloudinit",
        "boot": "order=scsi0",
        "agent": "enabled=1",
        "serial0": "socket",
        "vga": "serial0",
        "tags": MARKER_TAG,
        "description": description(spec),
    }
    if spec.bios == "ovmf":
        parameters["efidisk0"] = f"{spec.storage}:1,efitype=4m,pre-enrolled-keys=0"
    optional = {
        "machine": spec.machine,
        "cpu": spec.cpu_type,
        "arch": spec.arch,
        "net0": f"virtio,bridge={spec.bridge}" if spec.bridge else None,
        "pool": spec.pool,
        "ciuser": spec.user,
        "cicustom": f"vendor={spec.vendor_snippet}" if spec.vendor_snippet else None,
    }
    parameters.update({key: value for key, value in optional.items() if value})
    return parameters


def resulting_config(spec: TemplateSpec) -> dict[str, Any]:
    """The configuration that the template will have: allocations become volumes."""
    config = {key: value for key, value in create_parameters(spec).items() if key not in ("vmid", "pool")}
    config["scsi0"] = f"{spec.storage}:base-{spec.vm_id}-disk-0" + (",discard=on" if spec.discard else "")
    config[spec.cloud_init_drive] = f"{spec.storage}:vm-{spec.vm_id}-cloudinit,media=cdrom"
    if "efidisk0" in config:
        config["efidisk0"] = f"{spec.storage}:base-{spec.vm_id}-disk-1,efitype=4m,pre-enrolled-keys=0"
    return config | {"template": 1}


def description(spec: TemplateSpec) -> str:
    """What people read on Proxmox; the marker line names the id, so that a clone's inherited text proves nothing."""
    lines = [spec.description] if spec.description else []
    if spec.image:
        lines.append(f"image: {spec.image.url} {spec.image.algorithm}:{spec.image.digest}")
    lines.append(marker_line(spec.vm_id))
    return "\n\n".join(lines)


def marker_line(vm_id: int) -> str:
    return f"{MARKER_TAG}: {vm_id} built by detectviz.infra"


def is_ours(config: Mapping[str, Any], vm_id: int) -> bool:
    """Whether this module built the VM: tag and line agree on the id."""
    tags = re.split(r"[;, ]+", str(config.get("tags") or ""))
    lines = [line.strip() for line in str(config.get("description") or "").splitlines()]
    return MARKER_TAG in tags and marker_line(vm_id) in lines
