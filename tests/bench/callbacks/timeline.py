"""Callback plugin that keeps when each task began and where it ran: one line of JSON each in the file TIMELINE_FILE."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: timeline
type: aggregate
short_description: When each task began, and where it ran
description:
  - Writes lines of JSON to the file that the environment variable TIMELINE_FILE names.
author: The detectviz.infra authors (@detectviz)
"""


class CallbackModule(CallbackBase):
    """Keeps what is needed to tell where the time goes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = Path(os.environ["TIMELINE_FILE"])
        self._path.write_text("", encoding="utf-8")
        self._play = ""

    def _keep(self, **fields: Any) -> None:
        with self._path.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps({**fields, "at": time.time()}) + "\n")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._keep(play=self._play, task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep(done=result._host.get_name(), action=result._task.action)
