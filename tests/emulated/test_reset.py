"""The playbook that destroys: it lists what the site owns, and touches nothing else and nothing that was not named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.pve.process import Emulator
from tests.emulated.outside import Outside, assert_only_own_moved
from tests.emulated.user_site import UserSite


@pytest.fixture
def user(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[UserSite]:
    """A site whose first machine runs; the second row's id belongs to a stranger; a third machine has lost its row."""
    user = UserSite.create(pve_with_template, tmp_path, first_id)
    first, second = user.machine(first_id, 11), user.machine(first_id + 1, 12, node_role="worker")
    user.table([first, user.machine(first_id + 2, 13, node_role="worker")])
    code, said = user.play()
    assert code == 0, said
    node = pve_with_template.api().nodes("pve")
    node.qemu.post(vmid=first_id + 1, name=f"stranger-{first_id}", memory=128, cores=1)
    user.table([first, second])
    before = Outside.of(pve_with_template)
    yield user
    own = range(first_id, first_id + 10)
    after = Outside.of(pve_with_template)
    assert_only_own_moved(before, after, own)
    assert after.guests[first_id + 1] == before.guests[first_id + 1]


def reset(user: UserSite, **variables: Any) -> tuple[int, str]:
    return user.play("-e", json.dumps(variables), playbook="detectviz.infra.reset")


def listed(said: str, vm_id: int) -> str:
    """The line of a guest in the list."""
    found = re.search(rf"\S+ +{vm_id} .*", said)
    assert found, said
    return found.group()


def present(user: UserSite, first_id: int) -> set[int]:
    rows = user.pve.api().cluster.resources.get(type="vm")
    return {row["vmid"] - first_id for row in rows} & {0, 1, 2}


def test_the_list_tells_whose_each_guest_is_and_destroys_nothing(user: UserSite, first_id: int) -> None:
    code, said = reset(user)
    assert code == 0, said
    assert re.search(r"running +site +yes", listed(said, first_id))
    assert f"foreign, it is stranger-{first_id}: it has no marker" in listed(said, first_id + 1)
    assert re.search(r"running +site +no", listed(said, first_id + 2))
    assert present(user, first_id) == {0, 1, 2}


def test_all_is_every_row_of_the_table_that_the_site_owns(user: UserSite, first_id: int) -> None:
    code, said = reset(user, reset_guests="all")
    assert code != 0 and f"set reset_confirm=user{first_id}" in said
    assert present(user, first_id) == {0, 1, 2}
    code, said = reset(user, reset_guests="all", reset_confirm=f"user{first_id}", reset_etcd="lost")
    assert code == 0, said
    assert present(user, first_id) == {1, 2}


def test_a_master_that_nobody_reaches_needs_a_word_for_what_may_be_on_it(user: UserSite, first_id: int) -> None:
    code, said = reset(user, reset_guests="all", reset_confirm=f"user{first_id}")
    said = " ".join(said.split())
    assert code != 0 and f"node-{first_id} is not reached over SSH" in said and "set reset_etcd=lost" in said, said
    assert present(user, first_id) == {0, 1, 2}


@pytest.mark.parametrize("by", ["name", "id", "bare id"])
def test_a_guest_without_a_row_is_destroyed_when_it_is_named(user: UserSite, first_id: int, by: str) -> None:
    named = {"name": f"node-{first_id + 2}", "id": [first_id + 2], "bare id": first_id + 2}[by]
    code, said = reset(user, reset_guests=named, reset_confirm=f"user{first_id}")
    assert code == 0, said
    assert present(user, first_id) == {0, 1}


def test_foreign_and_unknown_names_are_refused_with_the_reason(user: UserSite, first_id: int) -> None:
    named = [f"node-{first_id}", first_id + 1, f"stranger-{first_id}", 9000]
    code, said = reset(user, reset_guests=named, reset_confirm=f"user{first_id}")
    said = " ".join(said.split())
    assert code != 0 and f"{first_id + 1} is foreign: it is stranger-{first_id}" in said, said
    assert f"stranger-{first_id} is no guest of the site" in said and "9000 is no guest of the site" in said
    assert "Nothing was destroyed" in said and "set reset_confirm" not in said
    assert present(user, first_id) == {0, 1, 2}


def test_no_key_of_a_destroyed_guest_stays_pinned_and_one_that_is_made_anew_is_reached_though_another_fails(
    user: UserSite, first_id: int
) -> None:
    user.table([user.machine(first_id, 11), user.machine(first_id + 2, 13, node_role="worker")])
    (pinned,) = user.folder.parent.glob(".state/*/known_hosts")
    former = pinned.read_text(encoding="utf-8")
    assert f"node-{first_id} " in former and "203.0.113.11 " in former and f"node-{first_id + 2} " in former
    word = {"reset_guests": f"node-{first_id}", "reset_confirm": f"user{first_id}", "reset_etcd": "lost"}
    code, said = user.play("-e", json.dumps(word), "--check", playbook="detectviz.infra.reset")
    assert code == 0 and "changed=2" in said and pinned.read_text(encoding="utf-8") == former, said
    code, said = reset(user, **word)
    assert code == 0, said
    kept = pinned.read_text(encoding="utf-8")
    assert f"node-{first_id} " not in kept and "203.0.113.11 " not in kept and f"node-{first_id + 2} " in kept
    code, said = reset(user, **word)
    assert code == 0 and "changed=0" in said, said

    # As after a guest that was destroyed by hand: the pins of both are old ones.
    upid = user.pve.api().nodes("pve").qemu(first_id + 2).status.stop.post()
    assert user.pve.wait(upid) == "OK"
    assert user.pve.wait(user.pve.api().nodes("pve").qemu(first_id + 2).delete()) == "OK"
    pinned.write_text(former, encoding="utf-8")
    user.pve.fault("boot_failure", vmid=first_id)
    code, said = user.play("-e", "machines_timeout=15")
    assert code != 0 and "its time is over" in said, said
    user.pve.clear_faults()
    new = pinned.read_text(encoding="utf-8")
    assert f"node-{first_id} " not in new and f"node-{first_id + 2} " in new
    assert not set(former.splitlines()) & set(new.splitlines())
