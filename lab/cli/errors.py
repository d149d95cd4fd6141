"""Errors whose text is all that the user needs."""

from __future__ import annotations

from lab.artifacts.catalogue import UnknownMinor
from lab.artifacts.download import DownloadError
from lab.artifacts.programs import NoRoom
from lab.cli.consent import Refused
from lab.cli.kubernetes import OldImage
from lab.cli.places import BadName
from lab.cli.plan import SiteUnusable
from lab.cli.up import StartFailed
from lab.nodes.commands import CommandError
from lab.nodes.requirements import MachineUnfit

TOLD = (BadName, Refused, SiteUnusable, StartFailed, CommandError, MachineUnfit, UnknownMinor, DownloadError, NoRoom,
        OldImage)  # fmt: skip
