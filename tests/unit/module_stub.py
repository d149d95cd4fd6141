# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module run in the test's own process, as each version of ansible-core hands arguments over in another way."""

from __future__ import annotations

import hashlib
import types
from pathlib import Path
from typing import Any, NoReturn

import pytest


class Ended(Exception):
    """A module has told its result."""


def run(module: types.ModuleType, monkeypatch: pytest.MonkeyPatch, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """What the module's ``main`` tells; ``failed`` where it does so by fail_json. Commands are not found."""
    told: dict[str, Any] = {}

    class Module:
        def __init__(self, argument_spec: dict[str, Any], **_options: Any) -> None:
            self.params = {**{name: option.get("default") for name, option in argument_spec.items()}, **params}
            self.check_mode = check_mode

        def get_bin_path(self, _name: str) -> None:
            return None

        def sha256(self, path: str) -> str:
            return hashlib.sha256(Path(path).read_bytes()).hexdigest()

        def exit_json(self, **result: Any) -> NoReturn:
            told.update(result)
            raise Ended

        def fail_json(self, msg: str, **result: Any) -> NoReturn:
            told.update(result, msg=msg, failed=True)
            raise Ended

    monkeypatch.setattr(module, "AnsibleModule", Module)
    with pytest.raises(Ended):
        module.main()
    return told
