"""What is on an emulator, seen by another client: nothing of others may move, nothing may be left over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from lab.pve.process import Emulator


@dataclass(frozen=True)
class Outside:
    """Guests by id with node, pool and configuration (its digest included), and volumes by id with their owner."""

    guests: dict[int, dict[str, Any]]
    volumes: dict[str, int]

    @classmethod
    def of(cls, pve: Emulator) -> Outside:
        api = pve.api()
        guests, volumes = {}, {}
        for row in api.cluster.resources.get(type="vm"):
            config = api.nodes(row["node"]).qemu(row["vmid"]).config.get()
            guests[row["vmid"]] = {"node": row["node"], "pool": row.get("pool"), **config}
        for node in api.nodes.get():
            for storage in api.nodes(node["node"]).storage.get(content="images"):
                for entry in api.nodes(node["node"]).storage(storage["storage"]).content.get(content="images"):
                    volumes[entry["volid"]] = entry["vmid"]
        return cls(guests, volumes)

    def foreign(self, own: range) -> dict[int, dict[str, Any]]:
        """Guests that are not of the test that owns these ids."""
        return {vm_id: config for vm_id, config in self.guests.items() if vm_id not in own}

    def orphans(self) -> list[str]:
        """Volumes that no guest uses, and those that a guest only keeps as unused."""
        used = {
            str(value).split(",")[0]
            for config in self.guests.values()
            for key, value in config.items()
            if not key.startswith("unused")
        }
        return sorted(volume for volume in self.volumes if volume not in used)

    def twins(self) -> list[str]:
        """Names that more than one guest has."""
        names = Counter(str(config.get("name")) for config in self.guests.values())
        return [name for name, number in names.items() if number > 1]


def assert_only_own_moved(before: Outside, after: Outside, own: range) -> None:
    """Nothing of others has changed, no name is there twice, and no volume is left over that was not before."""
    assert after.foreign(own) == before.foreign(own)
    assert after.twins() == before.twins()
    assert set(after.orphans()) <= set(before.orphans())
