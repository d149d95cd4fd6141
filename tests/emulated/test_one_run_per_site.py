"""Runs of the playbooks themselves that meet on one site of one machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pve.process import Emulator
from tests.emulated.user_site import UserSite
from tests.emulated.waiting import until, until_held, until_idle

P1 = "detectviz.infra.p1_machines"
# No reached machine here, and no wait for one.
ARGUMENTS = ("-e", '{"machine_checks_over_ssh": false}')


@pytest.fixture
def user(pve_with_template: Emulator, tmp_path: Path, first_id: int) -> Iterator[UserSite]:
    yield UserSite.create(pve_with_template, tmp_path, first_id)
    pve_with_template.clear_faults()
    until_idle(pve_with_template)


def test_a_run_has_its_site_alone_until_it_is_killed(user: UserSite, first_id: int) -> None:
    user.pve.fault("task_hold", task="qmclone")
    first = user.start(*ARGUMENTS, playbook=P1)
    until_held(user.pve, first)
    holder = f"site user{first_id} is being worked on by {P1}, process {first.pid} on "

    for playbook in (P1, "detectviz.infra.renew_certificates", "detectviz.infra.backup", "detectviz.infra.reset"):
        code, output = user.play(*ARGUMENTS, playbook=playbook)
        assert code != 0 and holder in " ".join(output.split()), output
    for arguments, playbook in (((), "detectviz.infra.validate"), (("--check", *ARGUMENTS), P1)):
        code, output = user.play(*arguments, playbook=playbook)
        assert code == 0, output

    # What it has begun on Proxmox goes on in its worker and module, and so long the site is theirs.
    first.kill()
    first.wait()  # the worker may keep its output open
    code, output = user.play(*ARGUMENTS, playbook=P1)
    assert code != 0 and "which was killed; still at work: process" in " ".join(output.split()), output
    user.pve.clear_faults()
    until(lambda: user.play(*ARGUMENTS, playbook=P1)[0] == 0, "a run after what the killed one had begun")
