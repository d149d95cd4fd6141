# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows one line per guest and step while the module of the same name runs.

The module appends JSON lines to a file in a private folder that this plugin made; a thread follows the file. Where the
module runs on another machine there is no such file, and the result alone is shown.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

DISPLAY = Display()
LOOK_SECONDS = 0.3
_COLORS = {"done": C.COLOR_OK, "retry": C.COLOR_WARN, "failed": C.COLOR_ERROR}


def line_of(text: str) -> tuple[str, str | None] | None:
    """The line to show and its colour, from a line of the progress file; None for one that says nothing."""
    try:
        event = json.loads(text)
        guest, step, state = event["guest"], event["step"], event["state"]
    except (ValueError, KeyError, TypeError):
        return None
    if state == "start":
        return None
    kind, colon, why = state.partition(":")
    first_line = why.strip().splitlines()[0] if why.strip() else ""
    return f"  {guest}: {step}: {kind}" + (f" ({first_line})" if first_line else ""), _COLORS.get(kind)


class ActionModule(ActionBase):
    """Runs the module and follows its progress."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result, as it is."""
        result = super().run(tmp, task_vars)
        del tmp
        arguments = dict(self._task.args)
        if self._connection.transport != "local" or arguments.get("progress_file"):
            result.update(self._module(arguments, task_vars))
            return result
        folder = Path(tempfile.mkdtemp(prefix="dvz-progress-", dir=C.DEFAULT_LOCAL_TMP))
        path = folder / "progress.jsonl"
        ended = threading.Event()
        follower = threading.Thread(target=self._follow, args=(path, ended), daemon=True)
        follower.start()
        try:
            result.update(self._module({**arguments, "progress_file": str(path)}, task_vars))
        finally:
            ended.set()
            follower.join(timeout=5)
            shutil.rmtree(folder, ignore_errors=True)
        result.get("invocation", {}).get("module_args", {}).pop("progress_file", None)
        return result

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return self._execute_module(
            module_name="detectviz.infra.proxmox_vm_clone", module_args=arguments, task_vars=task_vars
        )

    def _follow(self, path: Path, ended: threading.Event) -> None:
        """Shows whole lines as they come, and those that came last once the module has ended."""
        position = 0
        last = False
        while not last:
            last = ended.wait(LOOK_SECONDS)
            try:
                text = path.read_text(encoding="utf-8")
            except OSError:
                continue
            whole = text.rfind("\n") + 1
            for line in text[position:whole].splitlines():
                shown = line_of(line)
                if shown:
                    DISPLAY.display(shown[0], color=shown[1])
            position = max(position, whole)
