"""Watches a virtual address from beside the nodes, until its standard input ends:

    python -m tests.lab.cluster.vip_watch KUBECONFIG ADDRESS INTERFACE

Four times a second a new connection reads one object out of etcd through the address; ten times a second everybody on
the link is asked by ARP who has it. Prints what was seen as JSON, one line each. Times are those of the machine's
monotonic clock, so that they can be compared with another program's.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/plndr-cp-lock"
API_EVERY, API_PATIENCE, API_AT_ONCE = 0.25, 2.0, 12
ARP_EVERY = 0.1
ARP, REQUEST, REPLY = 0x0806, 1, 2
HEAD = struct.Struct("!6s6sHHHBBH6s4s6s4s")
"""An Ethernet frame that carries ARP for IPv4."""


def administrator(kubeconfig: dict[str, Any]) -> ssl.SSLContext:
    """The connection's trust and identity, out of a kubeconfig."""
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    trust = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as both:
        os.chmod(both.name, 0o600)
        both.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        both.flush()
        trust.load_cert_chain(both.name)
    return trust


def ask_api(address: str, trust: ssl.SSLContext, tell: Callable[..., None]) -> None:
    asked = time.monotonic()
    connection = http.client.HTTPSConnection(address, 6443, timeout=API_PATIENCE, context=trust)
    try:
        connection.request("GET", LEASE)
        holder = json.loads(connection.getresponse().read())["spec"]["holderIdentity"]
        tell(kind="api", asked=asked, answered=time.monotonic(), ok=True, holder=holder)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        tell(kind="api", asked=asked, answered=time.monotonic(), ok=False, holder=None, why=str(error)[-160:])
    finally:
        connection.close()


def request(mac: bytes, own: str, address: str) -> bytes:
    nobody, everybody = bytes(6), b"\xff" * 6
    return HEAD.pack(everybody, mac, ARP, 1, 0x0800, 6, 4, REQUEST, mac, socket.inet_aton(own), nobody, socket.inet_aton(address))


def answering(frame: bytes, mac: bytes, address: str) -> str | None:
    """The MAC that answers one of our own questions for the address."""
    to, _from, kind, _h, _p, _hl, _pl, operation, sender, sender_address, _t, _ta = HEAD.unpack_from(frame)
    ours = (to, kind, operation, sender_address) == (mac, ARP, REPLY, socket.inet_aton(address))
    return sender.hex(":") if ours else None


def own_address(address: str) -> str:
    """The one from which packets to that address leave."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])


def main() -> None:
    kubeconfig, address, interface = sys.argv[1:]
    trust = administrator(yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8")))
    ended, lock = threading.Event(), threading.Lock()

    def tell(**seen: Any) -> None:
        with lock:
            print(json.dumps(seen), flush=True)

    def regularly(every: float, act: Callable[[], None]) -> None:
        while not ended.wait(every):
            act()

    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP))
    link.bind((interface, ARP))
    link.settimeout(0.5)
    own = own_address(address)

    def ask_everybody() -> None:
        # A bridge has another MAC when a port has left it.
        link.send(request(link.getsockname()[4], own, address))

    def listen() -> None:
        while not ended.is_set():
            try:
                who = answering(link.recv(2048), link.getsockname()[4], address)
            except (TimeoutError, struct.error):
                continue
            if who:
                tell(kind="arp", at=time.monotonic(), mac=who)

    with ThreadPoolExecutor(API_AT_ONCE) as pool:
        threads = [
            threading.Thread(target=listen),
            threading.Thread(target=regularly, args=(ARP_EVERY, ask_everybody)),
            threading.Thread(target=regularly, args=(API_EVERY, lambda: pool.submit(ask_api, address, trust, tell))),
        ]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        ended.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
