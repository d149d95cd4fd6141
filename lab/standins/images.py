"""The stand-ins' images: upstream's names and tags, a label that says what they are, and the lab's own programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.artifacts.catalogue import architecture
from lab.artifacts.image import Image
from lab.artifacts.programs import Workshop

MODULE = Path(__file__).parent / "programs"
PROGRAMS = (
    "kube-vip",
    "calico-node",
    "calico-cni-install",
    "calico",
    "calico-ipam",
    "kube-controllers",
    "check-status",
)
# CNI's own plugins that calico/cni brings to the nodes too.
PLUGINS = ("bandwidth", "host-local", "loopback", "portmap", "tuning")

LABEL = "io.detectviz.lab.standin"
# Tells the programs which version they stand for.
VERSION = "STANDIN_FOR_VERSION"
PATH = "PATH=/usr/local/bin:/usr/bin:/bin:/opt/cni/bin"
# What a site without versions of its own gets, as the collection has it.
DEFAULTS = {"kube_vip_version": "v1.2.3", "calico_version": "v3.31.7"}
# calico-kube-controllers must not run as root; upstream's image has this user.
CONTROLLERS_USER = "999"


def version(site: Mapping[str, Any], name: str) -> str:
    """The site's `kube_vip_version` or `calico_version`, which is the images' tag."""
    return str(site.get(name) or DEFAULTS[name])


def programs(workshop: Workshop) -> dict[str, Path]:
    """The stand-ins' programs by name, compiled where they are not in the cache. Raises CommandError."""
    return {name: workshop.own(MODULE, f"./cmd/{name}", f"standin-{name}") for name in PROGRAMS}


def images(own: Mapping[str, Path], plugins: Mapping[str, Path], kube_vip: str, calico: str) -> list[Image]:
    """`own`: what `programs` gave; `plugins`: CNI's plugins by name; `kube_vip`, `calico`: the versions to stand for."""
    cni = {f"opt/cni/bin/{name}": plugins[name] for name in PLUGINS}
    cni |= {f"opt/cni/bin/{name}": own[name] for name in ("calico", "calico-ipam")}
    cni["opt/cni/bin/install"] = own["calico-cni-install"]
    node = {"bin/calico-node": own["calico-node"]}
    controllers = {f"usr/bin/{name}": own[name] for name in ("kube-controllers", "check-status")}
    return [
        _image("kube-vip/kube-vip", kube_vip, {"kube-vip": own["kube-vip"]}, entrypoint=("/kube-vip",)),
        _image("calico/cni", calico, cni, command=("/opt/cni/bin/install",)),
        _image("calico/node", calico, node, command=("/bin/calico-node",)),
        _image("calico/kube-controllers", calico, controllers, ("/usr/bin/kube-controllers",), user=CONTROLLERS_USER),
    ]


def _image(
    name: str,
    tag: str,
    files: Mapping[str, Path],
    entrypoint: Sequence[str] = (),
    command: Sequence[str] = (),
    user: str = "",
) -> Image:
    return Image(
        name=name, tags=[tag], files=files, entrypoint=entrypoint, command=command, user=user,
        environment=(PATH, f"{VERSION}={tag}"), architecture=architecture(),
        labels={LABEL: f"stands for {name}:{tag} in the lab of detectviz.infra; --help says what it leaves out"},
    )  # fmt: skip
