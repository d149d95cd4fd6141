"""Why etcd ended, out of what its container has said."""

from __future__ import annotations

import json

from ansible_collections.detectviz.infra.plugins.module_utils._kubeadm_observe import failure_in


def log(*entries: object) -> str:
    return "".join(f"2026-11-28T19:00:0{number}.0Z stderr F {json.dumps(entry)}\n" for number, entry in enumerate(entries))


def test_the_last_fatal_line_is_the_reason() -> None:
    said = log(
        {"level": "fatal", "msg": "an older one"},
        {"level": "panic", "msg": "tocommit(9) is out of range"},
        {"level": "info", "msg": "closing"},
    )
    assert failure_in(said) == "tocommit(9) is out of range"
    assert failure_in(log({"level": "fatal", "msg": "discovery failed", "error": "member count is unequal"})) == (
        "discovery failed: member count is unequal"
    )


def test_a_log_without_one_tells_nothing() -> None:
    assert failure_in("") is None
    assert failure_in(log({"level": "info", "msg": "ready"}, "text", 3) + "cut off") is None
