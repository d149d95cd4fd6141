# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved plan: written by a check run, carried out later if nothing has moved since."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError
from ansible_collections.detectviz.infra.plugins.module_utils._private_folder import private_folder

FORMAT = 1


def make(site: str, state: str, observed: str, guests: list[dict[str, Any]]) -> dict[str, Any]:
    """The plan as plain data. ``observed`` is the fingerprint of what the plan was made from."""
    return {"format": FORMAT, "site": site, "state": state, "observed": observed, "guests": guests}


def save(path: Path, plan: dict[str, Any]) -> None:
    """Writes the plan so that it is whole or not there, readable by its owner only. Raises InfraError."""
    draft = path.with_name(path.name + ".new")
    try:
        private_folder(path.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(plan, stream, indent=2, sort_keys=True)
            stream.write("\n")
        draft.replace(path)
    except OSError as error:
        raise InfraError(f"plan file {path} cannot be written: {error.strerror}; choose another place") from error


def check(path: Path, plan: dict[str, Any]) -> None:
    """Raises InfraError unless the saved plan is the one that would be made now."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InfraError(
            f"plan file {path} does not exist; make it with a check run (--check), read it, then apply it"
        ) from None
    except OSError as error:
        raise InfraError(f"plan file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InfraError(f"plan file {path} is not a plan ({error}); make it again with a check run") from None
    again = f"; nothing was changed. Make the plan again with a check run and read it ({path})"
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise InfraError(f"plan file {path} has another format than this version reads{again}")
    for key in ("site", "state"):
        if saved.get(key) != plan[key]:
            raise InfraError(f"the saved plan is for {key} {saved.get(key)!r}, this run is for {plan[key]!r}{again}")
    if saved.get("observed") != plan["observed"]:
        raise InfraError(f"what is on Proxmox has moved since the plan was saved{again}")
    # Through JSON once, so that tuples and lists compare alike.
    if saved.get("guests") != json.loads(json.dumps(plan["guests"])):
        raise InfraError(f"the table or the options have changed since the plan was saved{again}")
