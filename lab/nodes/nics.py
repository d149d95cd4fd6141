"""A guest's network cards: veth pairs between a bridge of the lab and the guest's network namespace."""

from __future__ import annotations

from dataclasses import dataclass

from lab.nodes.commands import CommandError, run


class NicError(RuntimeError):
    """A card cannot be made as configured; the text says what the lab cannot do."""


@dataclass(frozen=True)
class Card:
    """One card: `port` is the bridge's side (as on Proxmox: tap<vmid>i<index>), `name` the guest's."""

    port: str
    name: str
    bridge: str
    mac: str
    mtu: int | None
    tag: int | None


def plug(card: Card, namespace: str, pid: int) -> None:
    """Make the pair in the lab's network namespace, and give the guest's end to the process `pid`."""
    mtu = str(card.mtu or bridge_mtu(namespace, card.bridge))
    unplug(card, namespace)
    _ip(namespace, "link", "add", card.port, "mtu", mtu, "type", "veth",
        "peer", "name", card.name, "mtu", mtu, "address", card.mac, "netns", str(pid))  # fmt: skip
    _ip(namespace, "link", "set", card.port, "master", card.bridge, "up")
    if card.tag is not None:
        _tag(card, namespace)


def unplug(card: Card, namespace: str) -> None:
    """Remove the pair; fine when the guest has taken it away already."""
    run("ip", "-n", namespace, "link", "delete", card.port, check=False)


def unplug_all(vmid: int, namespace: str) -> None:
    """Remove what is left of a guest's cards. The kernel takes a guest's network apart some time after its last process:
    until then it would answer for addresses that a machine without power cannot have."""
    listed = run("ip", "-n", namespace, "-br", "link", "show", "type", "veth", check=False)
    for word in listed.replace("@", " ").split():
        if word.startswith(f"tap{vmid}i"):
            run("ip", "-n", namespace, "link", "delete", word, check=False)


def bridge_mtu(namespace: str, bridge: str) -> int:
    """MTU of a bridge of the lab."""
    try:
        words = _ip(namespace, "-o", "link", "show", "dev", bridge, "type", "bridge").split()
    except CommandError as error:
        raise NicError(f"bridge '{bridge}' does not exist") from error
    if "mtu" not in words:
        raise NicError(f"bridge '{bridge}' does not exist")
    return int(words[words.index("mtu") + 1])


def _tag(card: Card, namespace: str) -> None:
    try:
        _ip(namespace, "link", "set", card.bridge, "type", "bridge", "vlan_filtering", "1")
        run("bridge", "-n", namespace, "vlan", "del", "dev", card.port, "vid", "1")
        run("bridge", "-n", namespace, "vlan", "add", "dev", card.port, "vid", str(card.tag), "pvid", "untagged")
    except CommandError as error:
        unplug(card, namespace)
        raise NicError(
            f"{card.name}: VLAN tag {card.tag} on {card.bridge} cannot be had in this lab: the machine's kernel has "
            f"no VLAN filtering for bridges (CONFIG_BRIDGE_VLAN_FILTERING). {error}"
        ) from error


def _ip(namespace: str, *words: str) -> str:
    return run("ip", "-n", namespace, *words)
