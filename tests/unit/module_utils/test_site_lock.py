"""The lock of a whole run, and that of the module below it. Other runs are other processes, as in life."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ansible_collections.detectviz.infra as collection
import pytest
from ansible_collections.detectviz.infra.plugins.module_utils._errors import LockedError
from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import hold_site, site_lock

COLLECTIONS = Path(next(iter(collection.__path__))).parents[2]
IMPORT = (
    "from pathlib import Path; import os, sys, time\n"
    "from ansible_collections.detectviz.infra.plugins.module_utils._site_lock import hold_site, site_lock\n"
    "place = Path(sys.argv[1])\n"
)
HOLD = "hold_site('demo', place, 'p2.yml')\n"
MODULE = "with site_lock('demo', place): print('held', os.getpid(), flush=True); time.sleep(60)\n"
SAY = "print('held', os.getpid(), flush=True)\n"


def command(program: str, place: Path) -> list[str]:
    return [sys.executable, "-c", IMPORT + program, str(place)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(COLLECTIONS)}


@contextmanager
def running(program: str, place: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has said that it holds something, and the id that it said."""
    process = subprocess.Popen(command(program, place), env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = process.stdout.readline().split()
        assert said[0] == "held"
        yield process, int(said[1])
    finally:
        process.kill()
        process.communicate()


def eventually(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.02)


def is_free(place: Path) -> bool:
    return subprocess.run(command(HOLD, place), env=environment(), capture_output=True, check=False).returncode == 0


def test_a_second_run_is_told_who_has_the_site_until_that_one_is_killed(tmp_path: Path) -> None:
    with running(HOLD + SAY + "time.sleep(60)", tmp_path) as (process, pid):
        with pytest.raises(LockedError, match=rf"site demo is being worked on by p2.yml, process {pid} on .*, since"):
            hold_site("demo", tmp_path, "other.yml")
        process.kill()
        process.wait()
    assert is_free(tmp_path)


def test_what_a_killed_run_has_left_at_work_still_has_the_site_and_is_named(tmp_path: Path) -> None:
    worker = "if os.fork() == 0:\n  print('held', os.getpid(), flush=True)\n  sys.stdin.read(); os._exit(0)\ntime.sleep(60)\n"
    process = subprocess.Popen(
        command(HOLD + worker, tmp_path), env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdin
    pid = int(process.stdout.readline().split()[1])
    process.kill()
    process.wait()
    with pytest.raises(LockedError, match=rf"which was killed; still at work: process {pid}; wait until it ends"):
        hold_site("demo", tmp_path, "other.yml")
    process.stdin.close()
    eventually(lambda: is_free(tmp_path))
    process.stdout.close()


def test_a_program_that_a_run_has_started_does_not_keep_the_site(tmp_path: Path) -> None:
    """Connections that OpenSSH keeps for later runs are such programs."""
    program = HOLD + "import subprocess; child = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL)\n"
    with running(program + "print('held', child.pid, flush=True); time.sleep(60)", tmp_path) as (process, child):
        process.kill()
        process.wait()
        try:
            assert is_free(tmp_path)
        finally:
            os.kill(child, 9)


def test_a_module_works_below_the_run_that_has_the_site_and_beside_no_other(tmp_path: Path) -> None:
    module = "with site_lock('demo', place): pass\n"
    below = HOLD + "import subprocess; print('held', subprocess.call(sys.orig_argv[:2] + [below, sys.argv[1]]))"
    done = subprocess.run(
        command(f"below = {IMPORT + module!r}\n" + below, tmp_path), env=environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["held", "0"], done.stderr
    with running(HOLD + SAY + "time.sleep(60)", tmp_path) as (_process, pid):
        beside = f"p2.yml, process {pid} on"
        with pytest.raises(LockedError, match=beside), site_lock("demo", tmp_path):
            pass


def test_no_playbook_begins_beside_a_module_that_works_alone(tmp_path: Path) -> None:
    with running(MODULE, tmp_path) as (_process, pid):
        module = rf"by process {pid} on .*run.lock"
        with pytest.raises(LockedError, match=module):
            hold_site("demo", tmp_path, "p2.yml")
    assert is_free(tmp_path)


def test_a_run_takes_its_site_once(tmp_path: Path) -> None:
    program = HOLD + HOLD + "hold_site('other', place / 'other', 'p2.yml')"
    assert subprocess.run(command(program, tmp_path), env=environment(), check=False).returncode == 0
