"""Network devices of a configuration."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from lab.pve.qemu import propstring

MODELS = ("e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
          "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3")
PREFIX = "BC:24:11"


def new_mac(rng: random.Random | None = None) -> str:
    """A random address with Proxmox's own prefix."""
    bits = (rng or random.SystemRandom()).getrandbits(24)
    return f"{PREFIX}:{bits >> 16:02X}:{bits >> 8 & 255:02X}:{bits & 255:02X}"


def is_net(key: str) -> bool:
    return re.fullmatch(r"net\d+", key) is not None


def parse(text: str) -> dict[str, str]:
    """-> {model, macaddr?, bridge?, mtu?, tag?, ...}. `virtio=MAC` is model and address at once."""
    values: dict[str, str] = {}
    for key, value in propstring.parse(text, "model").items():
        if key in MODELS:
            values["model"], values["macaddr"] = key, value
        else:
            values[key] = value
    if "model" not in values:
        raise ValueError(f"no model in {text!r}")
    if "macaddr" in values:
        values["macaddr"] = values["macaddr"].upper()
    return values


def show(net: dict[str, str]) -> str:
    """`virtio=MAC,bridge=vmbr0,...`"""
    rest = {key: value for key, value in net.items() if key not in ("model", "macaddr")}
    head = f"{net['model']}={net['macaddr']}" if "macaddr" in net else net["model"]
    return ",".join([head, *filter(None, [propstring.show(rest)])])


def with_mac(text: str) -> str:
    """As PVE stores a net value: a device without address gets a new one."""
    net = parse(text)
    net.setdefault("macaddr", new_mac())
    return show(net)


def of(config: dict) -> Iterator[tuple[int, dict[str, str]]]:
    """(index, net) of a configuration."""
    for index in range(32):
        if f"net{index}" in config:
            yield index, parse(str(config[f"net{index}"]))
