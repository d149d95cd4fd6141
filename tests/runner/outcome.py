"""What a suite found: counts, the names of what failed, and what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

MESSAGE = 600


@dataclass
class Outcome:
    """`passed` and `failed` count single tests; `failures` and `left_out` are lines for a reader."""

    passed: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.failures += other.failures
        self.left_out += other.left_out

    def check(self, name: str, succeeded: bool) -> None:
        """Counts one check that is no test case of a test framework, such as a linter's run."""
        if succeeded:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(name)


def _short(message: str) -> str:
    """The start of a failure's message on one line: the end of a long log is all that some readers get to see."""
    line = " ".join(message.split())
    return line if len(line) <= MESSAGE else f"{line[:MESSAGE]} …"


def from_junit(path: Path, suite: str, exit_code: int) -> Outcome:
    """Reads pytest's JUnit file. A run that ended badly without a failed case (no file, a crash) counts as one failure."""
    outcome = Outcome()
    if path.exists():
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{suite}: {case.get('classname')}.{case.get('name')}"
            skipped = case.find("skipped")
            broken = case.find("failure")
            if broken is None:
                broken = case.find("error")
            if broken is not None:
                outcome.failed += 1
                outcome.failures.append(f"{name}: {_short(broken.get('message') or '')}")
            elif skipped is not None:
                outcome.left_out.append(f"{name}: {skipped.get('message')}")
            else:
                outcome.passed += 1
    if exit_code != 0 and not outcome.failed:
        outcome.check(f"{suite}: pytest ended with {exit_code}", False)
    return outcome
