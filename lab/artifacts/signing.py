"""The key that signs the lab's package repositories: made once per cache, used by nobody else."""

from __future__ import annotations

import fcntl
from pathlib import Path

from lab.nodes.commands import run

OWNER = "detectviz.infra lab packages"


class Signer:
    """GnuPG with a home of its own below the cache."""

    def __init__(self, artifacts: Path) -> None:
        self._home = artifacts / "signing"
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._fingerprints():
                self._gpg("--quick-generate-key", OWNER, "ed25519", "sign", "never")
                self._end_agent()

    @property
    def fingerprint(self) -> str:
        """40 hex digits."""
        return self._fingerprints()[0]

    def public_key(self) -> str:
        return self._gpg("--armor", "--export", self.fingerprint)

    def sign(self, folder: Path) -> None:
        """Sign `Release` in a folder: InRelease and Release.gpg beside it."""
        for option, name in (("--clearsign", "InRelease"), ("--detach-sign", "Release.gpg")):
            self._gpg("--armor", "--yes", "--output", folder / name, option, folder / "Release")
        self._end_agent()

    def _fingerprints(self) -> list[str]:
        rows = self._gpg("--with-colons", "--list-secret-keys").splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("fpr:")]

    def _gpg(self, *words: str | Path) -> str:
        return run("gpg", "--homedir", self._home, "--batch", "--quiet", "--no-permission-warning",
                   "--pinentry-mode", "loopback", "--passphrase", "", *words)  # fmt: skip

    def _end_agent(self) -> None:
        """GnuPG starts an agent that would stay."""
        run("gpgconf", "--homedir", self._home, "--kill", "all")
