"""Whether the API answers at its address, asked all the time while something else happens."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tests.lab.cluster.cluster import Cluster

VIP = "192.168.0.10"
ASK = """while :; do
printf '%s %s\\n' "$(curl -sk --max-time 2 https://{vip}:6443/readyz)" "$(date +%s.%N)"; sleep 0.1
done >{file} 2>/dev/null"""


class Watch:
    """Asks from the control machine, several times a second, with no certificate of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.file = Path(tempfile.mkstemp(prefix="watch-")[1])
        self.process: subprocess.Popen[bytes] | None = None
        self.times: list[float] = []

    def __enter__(self) -> Watch:
        self.process = self.cluster.lab.start("exec", "--", "sh", "-c", ASK.format(vip=VIP, file=self.file))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        lines = [line.split() for line in self.file.read_text().splitlines()]
        self.times = [float(words[1]) for words in lines if len(words) == 2 and words[0] == "ok"]
        self.file.unlink()

    def longest_gap(self) -> float:
        """Seconds between two answers that came one after the other, the longest of all."""
        assert len(self.times) > 1, "the API did not answer"
        return max(later - earlier for earlier, later in zip(self.times, self.times[1:]))
