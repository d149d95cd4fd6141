"""P1 where the machines take no SSH from here, as nobody does at the addresses of these tests."""

from __future__ import annotations

import json
from pathlib import Path

from lab.pve.process import Emulator
from tests.emulated.user_site import UserSite

P1 = "detectviz.infra.p1_machines"
LEFT_OUT = "runs, not inspected (machine_checks_over_ssh is false)"


def test_a_site_may_leave_the_checks_over_ssh_out(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> None:
    user = UserSite.create(pve_with_template, tmp_path, first_id, machine_checks_over_ssh=False)
    names = [f"node-{first_id}", f"node-{first_id + 1}"]
    code, said = user.play(playbook=P1)
    assert code == 0 and "unreachable=0" in said and "unreachable=1" not in said, said
    for name in names:
        assert f"{name}: {LEFT_OUT}" in said, said
    (report,) = tmp_path.glob(".state/*/reports/machines.json")
    assert json.loads(report.read_text(encoding="utf-8")) == []
    (pinned,) = tmp_path.glob(".state/*/known_hosts")
    assert all(name in pinned.read_text(encoding="utf-8") for name in names)

    upid = user.pve.api().nodes("pve").qemu(first_id).status.stop.post()
    assert user.pve.wait(upid) == "OK"
    code, said = user.play(playbook="detectviz.infra.acceptance_p1")
    assert code != 0 and f"{names[1]}: {LEFT_OUT}" in said and "it is stopped" in said, said
    assert "1 of 1 checks missed" in said, said
