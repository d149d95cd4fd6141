"""The suites of bin/test.

They run in three lanes side by side, each in the order given here: the two with labs in them wait for guests more than they
work, and leave enough of two processors to the third.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.runner.context import Context, Core
from tests.runner.outcome import Outcome, from_junit

# Four files at a time: they wait more than they work. The tests of a file share an emulator.
PARALLEL = ["-p", "no:pytest-ansible", "-n", "4", "--dist", "loadfile"]

# What makes a suite long is told at its end.
SLOWEST = ["--durations=10", "--durations-min=5"]


@dataclass(frozen=True)
class Suite:
    name: str
    what: str
    run: Callable[[Context], Outcome]
    lane: str = "the rest"


def _pytest(context: Context, name: str, core: Core, arguments: list[str], timeout: float = 1800) -> Outcome:
    """Tests marked `long` are left out, unless everything is asked for, and named in the outcome."""
    junit = context.scratch / f"{name.replace(' ', '-')}.xml"
    left_out = junit.with_suffix(".left-out")
    tier = [] if context.everything else ["-m", "not long"]
    command = [str(core.bin / "python"), "-m", "pytest", "-q", "-ra", *SLOWEST, f"--junit-xml={junit}", *tier, *arguments]
    environment = context.environment(core, DETECTVIZ_LEFT_OUT=str(left_out))
    code, _output = context.run(name, command, environment=environment, timeout=timeout)
    outcome = from_junit(junit, name, code)
    if left_out.exists():
        # Each of the processes that run the tests of a suite writes the same names.
        names = dict.fromkeys(left_out.read_text(encoding="utf-8").splitlines())
        outcome.left_out += [f"{name}: {test} (bin/test --all runs it)" for test in names]
    return outcome


def unit(context: Context) -> Outcome:
    outcome = Outcome()
    for core in _tier_cores(context, "unit", outcome):
        outcome.add(_pytest(context, f"unit {core.name}", core, ["-n", "2", "--ansible-unit-inject-only", "tests/unit"]))
    return outcome


def lint(context: Context) -> Outcome:
    outcome = Outcome()
    tools = context.main.bin
    checks = {
        "ansible-lint": [f"{tools}/ansible-lint", "--offline", "--profile", "production"],
        "ruff": [f"{tools}/ruff", "check", "."],
        "docs": [
            f"{tools}/antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".",
        ],
        "shellcheck": ["shellcheck", "-x", "bin/demo", "bin/test", "bin/bench", "bin/lib/common.sh", ".ci/run",
                       "tests/bench/cluster/bare.sh"],
        "changelog": [f"{tools}/antsibull-changelog", "lint"],
    }  # fmt: skip
    for name, command in checks.items():
        code, _output = context.run(name, command)
        outcome.check(f"lint: {name}", code == 0)
    return outcome


def package(context: Context) -> Outcome:
    """The collection as users get it: built, installed, documented, run by name."""
    outcome = Outcome()
    for core in context.cores:
        outcome.add(_pytest(context, f"package {core.name}", core, ["-p", "no:pytest-ansible", "tests/package"]))
    return outcome


def contract(context: Context) -> Outcome:
    """The Proxmox emulator against the official schema, the facts and foreign clients."""
    outcome = _pytest(context, "contract 9.2", context.main, [*PARALLEL, "tests/contract", "--pve-version", "9.2"])
    if not context.everything:
        outcome.left_out.append("contract as release 9.1, but for what goes through both (bin/test --all runs it)")
        return outcome
    # These two go through both releases by themselves.
    both = ["--ignore", "tests/contract/test_every_answer.py", "--ignore", "tests/contract/test_coverage.py"]
    outcome.add(_pytest(context, "contract 9.1", context.main, [*PARALLEL, "tests/contract", "--pve-version", "9.1", *both]))
    return outcome


def emulated(context: Context) -> Outcome:
    """Modules and playbooks against the emulator with simulated guests."""
    outcome = Outcome()
    for core in _tier_cores(context, "emulated", outcome):
        outcome.add(_pytest(context, f"emulated {core.name}", core, [*PARALLEL, "tests/emulated"]))
    return outcome


def sanity(context: Context) -> Outcome:
    outcome = Outcome()
    for core in _tier_cores(context, "sanity", outcome):
        place, environment = context.collection_copy(core)
        # The tests of the collection are for what is published and its own tests; ruff reads the rest.
        for folder in (
            "lab",
            "molecule",
            *(f"tests/{path.name}" for path in (place / "tests").iterdir() if path.is_dir()),
        ):
            if folder not in ("tests/unit", "tests/integration"):
                shutil.rmtree(place / folder)
        command = [f"{core.bin}/ansible-test", "sanity", "--color", "no", "--python", core.python_version]
        name = f"sanity {core.name}"
        code, output = context.run(name, command, cwd=place, environment=environment)
        ran = set(re.findall(r'^Running sanity test "([\w-]+)"', output, re.M))
        listed = re.search(r"sanity test\(s\) listed below \(out of \d+\) failed.*\n((?:.+\n)+)", output)
        failed = sorted({line.split()[0] for line in listed[1].splitlines()} & ran) if listed else []
        outcome.passed += len(ran) - len(failed)
        for test in failed:
            outcome.check(f"{name}: {test}", False)
        if code != 0 and not failed:
            outcome.check(f"{name}: ansible-test ended with {code}", False)
    return outcome


def integration(context: Context) -> Outcome:
    outcome = Outcome()
    for core in _tier_cores(context, "integration", outcome):
        place, environment = context.collection_copy(core)
        names = sorted(aliases.parent.name for aliases in (place / "tests/integration/targets").glob("*/aliases"))
        targets = [name for name in names if not name.startswith("setup_")]
        # One command for all: each would look the whole collection over again.
        command = [
            f"{core.bin}/ansible-test", "integration", "--color", "no", "--python", core.python_version, "--continue-on-error",
            *targets,
        ]  # fmt: skip
        name = f"integration {core.name}"
        code, _output = context.run(name, command, cwd=place, environment=environment)
        # Its own report names the targets that ended well.
        reports = (place / "tests/output/data").glob("integration-*.json")
        passed = {target for report in reports for target in json.loads(report.read_text(encoding="utf-8"))["targets"]}
        for target in targets:
            outcome.check(f"{name}: {target}", target in passed)
        if code != 0 and passed.issuperset(targets):
            outcome.check(f"{name}: ansible-test ended with {code}", False)
    return outcome


def api(context: Context) -> Outcome:
    """Modules that speak to Kubernetes, against a real API server and etcd on loopback."""
    return _with_programs(context, "api", ["-p", "no:pytest-ansible", "tests/api"])


def lab(context: Context) -> Outcome:
    """Real guests in the embedded lab."""
    arguments = ["-p", "no:pytest-ansible", "tests/lab", "--ignore", "tests/lab/cluster"]
    return _pytest(context, "lab", context.main, arguments, timeout=3600)


def cluster(context: Context) -> Outcome:
    """The demo: the documented site from nothing to a verified cluster, broken and repaired."""
    arguments = ["-p", "no:pytest-ansible", "tests/lab/cluster"]
    if context.everything:
        return _with_programs(context, "cluster", [*arguments, "--failovers", "10"], timeout=4 * 3600)
    return _with_programs(context, "cluster", arguments, timeout=5400)


def _with_programs(context: Context, name: str, arguments: list[str], timeout: float = 1800) -> Outcome:
    """Tests that need the programs of Kubernetes, which take longer to make than a test may take."""
    command = [str(context.main.bin / "python"), "-m", "lab", "artifacts"]
    made, _output = context.run(f"artifacts for {name}", command)
    if made != 0:
        outcome = Outcome()
        outcome.check(f"{name}: the programs of Kubernetes could not be made", False)
        return outcome
    return _pytest(context, name, context.main, arguments, timeout)


def _tier_cores(context: Context, suite: str, outcome: Outcome) -> list[Core]:
    """All cores with --all, else the main one; what that leaves out is told in the outcome."""
    if context.everything:
        return context.cores
    outcome.left_out.append(f"{suite} on other ansible-cores than {context.main.name} (bin/test --all runs it)")
    return [context.main]


ON_A_CLUSTER = ("calico", "control_plane")


def molecule(context: Context) -> Outcome:
    """The scenarios of molecule/, in one lab of its own that is gone afterwards."""
    outcome = Outcome()
    scenarios = sorted(path.parent.name for path in context.root.glob("molecule/*/molecule.yml"))
    scenarios.remove("default")  # holds create and destroy for the others
    if not context.everything:
        # The suite cluster makes one as well, and breaks more of it.
        outcome.left_out += [f"molecule: {name} (bin/test --all runs it)" for name in ON_A_CLUSTER]
        scenarios = [name for name in scenarios if name not in ON_A_CLUSTER]
    environment = context.environment(context.main, MOLECULE_GLOB="molecule/*/molecule.yml")
    lab = [str(context.main.bin / "python"), "-m", "lab", "--name", f"molecule-{os.getpid()}"]
    try:
        up = [*lab, "up", "--yes", "--site", "inventory/detectviz"]
        code, _output = context.run("lab up", up)
        for scenario in scenarios if code == 0 else []:
            command = [*lab, "exec", "--", "molecule", "test", "-s", scenario]
            code, _output = context.run(f"molecule {scenario}", command, environment=environment)
            outcome.check(f"molecule: {scenario}", code == 0)
    finally:
        down, _output = context.run("lab down", [*lab, "down"])
    if code != 0 and not outcome.failed:
        outcome.check("molecule: its lab did not come up", False)
    if down != 0:
        outcome.check("molecule: its lab did not go away", False)
    return outcome


SUITES = [
    Suite("unit", "pure logic and single roles; --all: on every core", unit),
    Suite("lint", "ansible-lint, ruff, shellcheck, documentation, changelog", lint),
    Suite("package", "the built and installed collection, on every core", package),
    Suite("contract", "the Proxmox emulator against schema, facts and foreign clients; --all: as both releases", contract),
    Suite("emulated", "modules and playbooks against the emulator; --all: on every core", emulated),
    Suite("sanity", "ansible-test sanity; --all: on every core", sanity),
    Suite("integration", "ansible-test integration; --all: on every core", integration),
    Suite("cluster", "a real Kubernetes cluster on the lab's guests", cluster, "Kubernetes"),
    Suite("api", "modules against a real Kubernetes API server", api, "Kubernetes"),
    Suite("lab", "real guests in the embedded lab", lab, "labs"),
    Suite("molecule", "molecule scenarios on lab guests", molecule, "labs"),
]
