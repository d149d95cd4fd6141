"""What stands for the site's router: a namespace that holds the gateways' addresses and leads nowhere."""

from __future__ import annotations

from ipaddress import ip_interface

from lab.nodes.commands import run


def name(namespace: str) -> str:
    """The router's own namespace, beside the lab's."""
    return f"{namespace}-router"


def attach(namespace: str, bridge: str, mtu: int, gateway: str) -> None:
    """Plug the router into a bridge; `gateway` is its address there, with prefix. Fine when it is plugged in."""
    port = f"rt-{bridge}"[:15]
    if bridge in run("ip", "-n", name(namespace), "-br", "link", "show", "type", "veth").replace("@", " ").split():
        # The cable stays plugged in while the host takes its bridge away and makes it again.
        run("ip", "-n", namespace, "link", "set", port, "master", bridge, "up")
        return
    run("ip", "-n", namespace, "link", "add", port, "mtu", str(mtu), "type", "veth",
        "peer", "name", bridge, "mtu", str(mtu), "netns", name(namespace))  # fmt: skip
    run("ip", "-n", namespace, "link", "set", port, "master", bridge, "up")
    run("ip", "-n", name(namespace), "link", "set", bridge, "up")
    # IPv6 addresses are usable at once: nobody else can hold them.
    no_detection = ["nodad"] if ip_interface(gateway).version == 6 else []
    run("ip", "-n", name(namespace), "address", "add", gateway, "dev", bridge, *no_detection)
