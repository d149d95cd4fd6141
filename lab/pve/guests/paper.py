"""What the agent of a simulated guest says: interfaces, files and a few programs, all from the cloud-init seed."""

from __future__ import annotations

import base64
import ipaddress
import itertools
import os
import struct
import time
from typing import Any

import yaml

from lab.pve.guests.backend import AgentError

_OS = {"id": "ubuntu", "name": "Ubuntu", "pretty-name": "Ubuntu 22.04.5 LTS", "version-id": "22.04",
       "version": "22.04.5 LTS (Jammy Jellyfish)", "machine": "x86_64", "kernel-release": "5.15.0-simulated",
       "kernel-version": "#1 SMP simulated"}
_COMMANDS = ("guest-ping", "guest-info", "guest-network-get-interfaces", "guest-get-host-name", "guest-get-osinfo",
             "guest-get-time", "guest-get-timezone", "guest-get-users", "guest-get-vcpus", "guest-get-fsinfo",
             "guest-file-open", "guest-file-read", "guest-file-write", "guest-file-close", "guest-exec",
             "guest-exec-status", "guest-fsfreeze-status", "guest-fsfreeze-freeze", "guest-fsfreeze-thaw",
             "guest-fstrim", "guest-get-memory-blocks", "guest-get-memory-block-info", "guest-shutdown")
_MEMORY_BLOCK = 128 * 1024**2


class PaperSystem:
    """One booted system. `spec` is a GuestSpec as a dict."""

    def __init__(self, spec: dict[str, Any], host_key: str) -> None:
        self._spec = spec
        seed = spec["seed"] or {}
        self._user = yaml.safe_load(seed.get("user-data") or "") or {}
        self._network = yaml.safe_load(seed.get("network-config") or "") or {}
        self.hostname = self._user.get("hostname") or "localhost"
        os_release = "".join(f'{key.upper().replace("-", "_")}="{_OS[key]}"\n' for key in ("id", "name", "version-id"))
        self._files = {
            "/etc/hostname": f"{self.hostname}\n",
            "/etc/machine-id": spec["uuid"].replace("-", "") + "\n",
            "/etc/os-release": os_release,
            "/etc/ssh/ssh_host_ed25519_key.pub": f"ssh-ed25519 {host_key} root@{self.hostname}\n",
        }
        self._frozen = False
        self._handles: dict[int, tuple[str, int]] = {}
        self._processes: dict[int, dict[str, Any]] = {}
        self._numbers = itertools.count(1000)

    @staticmethod
    def new_host_key() -> str:
        """A public key in OpenSSH's encoding; nobody has its private half."""
        name = b"ssh-ed25519"
        blob = struct.pack(">I", len(name)) + name + struct.pack(">I", 32) + os.urandom(32)
        return base64.b64encode(blob).decode()

    def answer(self, command: str, arguments: dict[str, Any]) -> Any:
        """AgentError for what this system does not know."""
        handler = getattr(self, "_" + command.removeprefix("guest-").replace("-", "_"), None)
        if command not in _COMMANDS or handler is None:
            raise AgentError(f"The command {command} has not been found")
        return handler(**{key.replace("-", "_"): value for key, value in arguments.items()})

    # -- facts --------------------------------------------------------------------------------------------------

    def _ping(self) -> dict:
        return {}

    def _info(self) -> dict:
        commands = [{"name": name, "enabled": True, "success-response": True} for name in _COMMANDS]
        return {"version": "6.2.0", "supported_commands": commands}

    def _get_host_name(self) -> dict:
        return {"host-name": self.hostname}

    def _get_osinfo(self) -> dict:
        return dict(_OS)

    def _get_timezone(self) -> dict:
        return {"zone": "UTC", "offset": 0}

    def _get_users(self) -> list:
        return []

    def _get_vcpus(self) -> list:
        return [{"logical-id": index, "online": True, "can-offline": index > 0} for index in range(self._spec["cores"])]

    def _get_fsinfo(self) -> list:
        disks = self._spec["disks"]
        return [{"name": "sda1", "mountpoint": "/", "type": "ext4", "disk": [],
                 "total-bytes": disks[0]["size_bytes"] if disks else 0, "used-bytes": 1_500_000_000}]

    def _get_time(self) -> int:
        return time.time_ns()

    def _get_memory_blocks(self) -> list:
        count = max(1, self._spec["memory_mb"] * 1024**2 // _MEMORY_BLOCK)
        return [{"phys-index": index, "online": True, "can-offline": index > 0} for index in range(count)]

    def _get_memory_block_info(self) -> dict:
        return {"size": _MEMORY_BLOCK}

    def _fsfreeze_status(self) -> str:
        return "frozen" if self._frozen else "thawed"

    def _fsfreeze_freeze(self) -> int:
        self._frozen = True
        return 1

    def _fsfreeze_thaw(self) -> int:
        self._frozen, was_frozen = False, self._frozen
        return int(was_frozen)

    def _fstrim(self, minimum: int = 0) -> dict:
        return {"paths": []}

    def _network_get_interfaces(self) -> list:
        """lo first, then one entry per NIC with its link-local address, as a Linux guest has them."""
        found = [{"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [
            _address("127.0.0.1", 8), _address("::1", 128)], "statistics": _statistics()}]
        configured = {entry.get("mac_address", "").lower(): entry for entry in self._network.get("config", [])
                      if entry.get("type") == "physical"}
        for nic in self._spec["nics"]:
            entry = configured.get(nic["mac"].lower(), {})
            addresses = [address for subnet in entry.get("subnets", [])
                         if (address := self._subnet(subnet, nic["index"])) is not None]
            found.append({"name": entry.get("name", f"ens{18 + nic['index']}"), "hardware-address": nic["mac"].lower(),
                          "ip-addresses": [*addresses, _address(_link_local(nic["mac"]), 64)],
                          "statistics": _statistics()})
        return found

    def _subnet(self, subnet: dict[str, Any], index: int) -> dict | None:
        if subnet["type"] in ("static", "static6"):
            interface = ipaddress.ip_interface(f"{subnet['address']}/{subnet['netmask']}"
                                               if "netmask" in subnet else subnet["address"])
            return _address(str(interface.ip), interface.network.prefixlen)
        if subnet["type"] == "dhcp4":
            # no DHCP server on paper: a stable address out of the shared range stands for the lease
            return _address(str(ipaddress.ip_address("100.64.0.0") + self._spec["vmid"] % 2**20 * 4 + index), 10)
        return None

    # -- files --------------------------------------------------------------------------------------------------

    def _file_open(self, path: str, mode: str = "r") -> int:
        if mode.startswith("w"):
            self._files[path] = ""
        elif path not in self._files:
            raise AgentError(f"failed to open file '{path}' (mode: '{mode}'): No such file or directory")
        handle = next(self._numbers)
        self._handles[handle] = (path, 0)
        return handle

    def _file_read(self, handle: int, count: int = 4096) -> dict:
        path, at = self._opened(handle)
        data = self._files[path].encode()[at:at + count]
        self._handles[handle] = (path, at + len(data))
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(),
                "eof": at + len(data) >= len(self._files[path].encode())}

    def _file_write(self, handle: int, buf_b64: str, count: int | None = None) -> dict:
        path, _at = self._opened(handle)
        data = base64.b64decode(buf_b64)
        self._files[path] += data.decode(errors="replace")
        return {"count": len(data), "eof": False}

    def _file_close(self, handle: int) -> dict:
        self._opened(handle)
        del self._handles[handle]
        return {}

    def _opened(self, handle: int) -> tuple[str, int]:
        if handle not in self._handles:
            raise AgentError(f"handle '{handle}' has not been found")
        return self._handles[handle]

    # -- programs -----------------------------------------------------------------------------------------------

    def _exec(self, path: str, arg: list[str] | None = None, input_data: str = "", capture_output: bool = True) -> dict:
        program, arguments = path.rsplit("/", 1)[-1], arg or []
        outcome: tuple[int, str, str]
        if program == "cat" and arguments and all(name in self._files for name in arguments):
            outcome = (0, "".join(self._files[name] for name in arguments), "")
        elif program == "hostname":
            outcome = (0, self.hostname + "\n", "")
        elif program == "true":
            outcome = (0, "", "")
        elif program == "false":
            outcome = (1, "", "")
        elif program == "cloud-init" and arguments[:1] == ["status"]:
            outcome = (0, "status: done\n", "")
        else:
            raise AgentError(f"Guest agent command failed, error was 'Failed to execute child process “{path}” "
                             "(No such file or directory)'")
        pid = next(self._numbers)
        code, out, err = outcome
        self._processes[pid] = {"exited": True, "exitcode": code,
                                **({"out-data": base64.b64encode(out.encode()).decode()} if out else {}),
                                **({"err-data": base64.b64encode(err.encode()).decode()} if err else {})}
        return {"pid": pid}

    def _exec_status(self, pid: int) -> dict:
        if pid not in self._processes:
            raise AgentError(f"PID {pid} does not exist")
        return self._processes.pop(pid)


def _address(ip: str, prefix: int) -> dict:
    return {"ip-address": ip, "ip-address-type": "ipv6" if ":" in ip else "ipv4", "prefix": prefix}


def _link_local(mac: str) -> str:
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    words = [*octets[:3], 0xFF, 0xFE, *octets[3:]]
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes(words)))


def _statistics() -> dict:
    return {name: 0 for name in ("rx-bytes", "rx-packets", "rx-errs", "rx-dropped", "tx-bytes", "tx-packets", "tx-errs",
                                 "tx-dropped")}
