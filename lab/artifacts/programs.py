"""Get programs: from the cache, else from upstream, else compiled from their Go modules."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.artifacts import download, go, go_caches, store, toolchain, wrapper
from lab.artifacts.catalogue import Program

SOURCES = ("auto", "download", "build")
# Go's caches after everything for one minor version was compiled: 10 GB, and as much again for what is in the making.
ROOM_GB = 20


class NoRoom(RuntimeError):
    """The disk is too full to compile on; the text says how much is missing."""


@dataclass
class Workshop:
    """Where programs come from and where they are kept.

    `source`: `download`, `build`, or `auto`: downloaded where upstream answers, else built.
    """

    cache: Path
    say: store.Say
    source: str = "auto"
    origin: download.Origin = download.Origin()

    @property
    def artifacts(self) -> Path:
        return self.cache / "artifacts"

    @cached_property
    def toolchain(self) -> toolchain.Toolchain:
        return toolchain.find(self.cache, self.say)

    def get(self, wanted: Sequence[Program]) -> dict[str, Path]:
        """Path of each program by name. Raises DownloadError, CommandError."""
        there = [program for program in wanted if self._folder(program).exists()]
        missing = [program for program in wanted if program not in there]
        # Those that are there are asked for as well, so that they count as used.
        for number, program in enumerate([*missing, *there], 1):
            self._get(program, f"{number} of {len(missing)}")
        if "toolchain" in self.__dict__:  # something was compiled
            go_caches.drop_when_large(self.toolchain, self.say)
        return {program.name: self._folder(program) / program.name for program in wanted}

    def own(self, module_dir: Path, package: str, name: str) -> Path:
        """A program of this project, compiled anew when anything in its module's folder has changed."""

        def make(folder: Path) -> None:
            began = time.monotonic()
            self.say(f"program: compiling {name} of the lab's own")
            go.build(self.toolchain, module_dir, package, folder / name, say=self.say)
            self.say(f"  {name}: {time.monotonic() - began:.0f} s")

        key = store.key_of([store.content_key(module_dir), package])
        return store.once(self.artifacts / "programs", name, key, make) / name

    def _get(self, program: Program, number: str) -> None:
        def make(folder: Path) -> None:
            began = time.monotonic()
            downloads = self._downloads(program)
            verb = "downloading" if downloads else "compiling"
            self.say(f"program {number}: {verb} {program.name} {program.version}")
            if downloads:
                download.fetch(self.origin, program.official, folder / program.name)
            else:
                self._compile(program, folder)
            seconds = round(time.monotonic() - began, 1)
            record = {"source": "upstream" if downloads else "modules", "seconds": seconds,
                      "sha256": store.file_sha256(folder / program.name)}  # fmt: skip
            (folder / "made.json").write_text(json.dumps(record, indent=1))
            self.say(f"  {program.name}: {seconds:.0f} s")

        store.once(self.artifacts / "programs", f"{program.name}-{program.version}", program.key, make)

    def _folder(self, program: Program) -> Path:
        return self.artifacts / "programs" / f"{program.name}-{program.version}-{program.key}"

    def _downloads(self, program: Program) -> bool:
        return self.source == "download" or (self.source == "auto" and self._upstream_answers(program))

    def _upstream_answers(self, program: Program) -> bool:
        host = program.official.url.split("/")[2]
        if host not in self._answers:
            self._answers[host] = download.reachable(self.origin, program.official)
        return self._answers[host]

    @cached_property
    def _answers(self) -> dict[str, bool]:
        return {}

    def _compile(self, program: Program, folder: Path) -> None:
        free = shutil.disk_usage(self.cache).free / 1e9
        if free < ROOM_GB and not (self.cache / "go/build").exists():
            raise NoRoom(
                f"{self.cache} has {free:.0f} GB left, compiling Kubernetes needs {ROOM_GB}: free some, or move the "
                "cache with DETECTVIZ_CACHE"
            )
        module = folder / "module"
        module.mkdir()
        wrapper.write(module, program, self.toolchain)
        go.build(
            self.toolchain, module, program.package, folder / program.name, say=self.say,
            stamps=program.stamps, tags=program.tags, resolve=True,
        )  # fmt: skip
        shutil.rmtree(module)
