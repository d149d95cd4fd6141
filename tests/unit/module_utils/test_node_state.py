# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's programs and files say of it, part by part."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.detectviz.infra.plugins.module_utils import _node_state as state


def test_the_system_is_named_with_and_without_quotes() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 13"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
    assert state.os_release(text) == {"id": "debian", "version": "13", "codename": "trixie"}
    assert state.os_release("") == {"id": "", "version": "", "codename": ""}


def test_services_are_told_apart_by_their_order() -> None:
    text = (
        "Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nActiveEnterTimestampMonotonic=5000000\n\n"
        "Id=b.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nActiveEnterTimestampMonotonic=0\n\n"
        "Id=c.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n"
    )
    seen = state.service_states(lambda _command: (0, text), ["a", "b", "c"])
    assert [seen[name]["exists"] for name in "abc"] == [True, False, True]
    assert [(seen[name]["active"], seen[name]["enabled"]) for name in "abc"] == [(True, True), (False, False), (False, False)]
    assert round(seen["a"]["since"] - seen["b"]["since"]) == 5


def test_without_systemd_no_service_is_there() -> None:
    seen = state.service_states(lambda _command: (127, ""), ["kubelet"])
    assert not seen["kubelet"]["exists"] and not seen["kubelet"]["active"]
    assert state.service_states(lambda _command: (127, ""), []) == {}


def test_an_option_of_sshd_that_is_there_several_times_is_joined() -> None:
    seen = state.sshd_state(lambda _command: (0, "port 22\nacceptenv LANG\nacceptenv LC_*\nusepam\n"))
    assert seen == {"port": "22", "acceptenv": "LANG LC_*", "usepam": ""}


def test_swap_is_what_is_used_and_what_makes_it_again() -> None:
    answers = {
        "list-units": "dev-zram0.swap loaded active active Swap\nnot-a-row\n",
        "list-unit-files": "swapfile.swap generated -\nold.swap masked enabled\n",
        "show": "Id=zramswap.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
    }
    seen = state.swap_state(lambda command: (0, answers[command[1]]))
    assert seen["units"] == ["dev-zram0.swap", "swapfile.swap"]
    assert seen["services"] == ["zramswap.service"]


def test_files_that_match_with_their_mode_and_missing_ones_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_bytes(b"caf\xe9\n")
    file.chmod(0o640)
    (tmp_path / "folder.conf").mkdir()
    seen = state.files_state([f"{tmp_path}/*.conf", f"{tmp_path}/nothing"])
    assert list(seen) == [str(file)]
    assert (seen[str(file)]["mode"], seen[str(file)]["content"]) == ("0640", "caf\ufffd\n")


def test_only_the_parts_that_were_asked_for_are_read() -> None:
    seen = state.node_state(lambda _command: (127, ""), {"commands": ["kubelet --version"]})
    assert set(seen) == {"os", "container", "commands"}
    assert seen["commands"] == [{"command": "kubelet --version", "rc": 127, "output": ""}]
