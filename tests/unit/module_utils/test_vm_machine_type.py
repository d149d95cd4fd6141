# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machine type: one machine has several names, and Proxmox takes only some of them."""

from __future__ import annotations

import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._vm_changes import merged_value


@pytest.mark.parametrize(
    ("present", "wanted", "sent"),
    [
        (None, "i440fx", None),
        (None, "pc", None),
        ("pc-i440fx-9.2", "i440fx", None),
        ("pc-q35-9.2+pve1", "q35", None),
        ("q35", "i440fx", "pc"),
        ("q35,viommu=intel", "i440fx", "pc,viommu=intel"),
        (None, "q35", "q35"),
        ("pc-q35-8.1", "pc-q35-9.2", "pc-q35-9.2"),
    ],
)
def test_only_another_machine_is_sent_and_by_a_name_that_proxmox_takes(
    present: str | None, wanted: str, sent: str | None
) -> None:
    assert merged_value("machine", present, {"type": wanted}) == sent
