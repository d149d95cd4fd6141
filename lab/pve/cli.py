"""The commands `pve`, `requests` and `fault` of `python -m lab`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def add_pve(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m lab pve`."""
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="folder of its state; made if missing")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8006, help="port to listen on; 0 takes a free one")
    parser.add_argument("--site", type=Path, metavar="DIR", help="folder of a site whose hosts and storages it has")
    parser.add_argument("--nodes", type=int, default=1, help="without --site: number of nodes (default: 1)")
    parser.add_argument("--with-template", action="store_true", help="start with the template 9000")
    parser.add_argument("--profile", default="lvmthin", help="timing profile (default: %(default)s)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.1 makes all waits a tenth (default: 1)")
    parser.add_argument("--pve-version", default="9.2", choices=["9.1", "9.2"], help="release to be")
    parser.add_argument("--strict", action="store_true", help="check every answer against the official description")
    parser.add_argument("--no-message", action="store_true", help="no `message` in errors, as servers before 2025")
    parser.add_argument("--backend", help="what guests are made of, module:function (default: simulated ones)")
    parser.set_defaults(run=run_pve)


def run_pve(arguments: argparse.Namespace) -> int:
    """Serve in the foreground."""
    from lab.pve.server import Options, serve

    options = Options(state=arguments.state, host=arguments.host, port=arguments.port, site=arguments.site,
                      nodes=arguments.nodes, profile=arguments.profile, time_scale=arguments.time_scale,
                      version=arguments.pve_version, strict=arguments.strict, messages=not arguments.no_message,
                      with_template=arguments.with_template)
    if arguments.backend:
        options.backend = arguments.backend
    try:
        asyncio.run(serve(options))
    except (ValueError, RuntimeError) as error:
        sys.exit(f"the emulator cannot start: {error}")
    # Workers that a fault has killed must not be tidied up by the interpreter's end.
    sys.stderr.flush()
    os._exit(0)


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, metavar="DIR", help="state folder (default: of the lab's own emulator)")


def _state(arguments: argparse.Namespace) -> Path:
    if arguments.state:
        return arguments.state
    from lab.cli.places import Places

    return Places.of(arguments.name).emulator


def add_requests(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m lab requests`."""
    _add_state(parser)
    parser.add_argument("--reset", action="store_true", help="show, then zero the counters")
    parser.set_defaults(run=lambda arguments: _show(
        _state(arguments), "DELETE" if arguments.reset else "GET", "/lab/requests"))


def add_fault(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m lab fault`."""
    _add_state(parser)
    parser.add_argument("--clear", action="store_true", help="remove all rules")
    parser.add_argument("rule", nargs="*", metavar="KEY=VALUE",
                        help="a rule, such as action=status status=500 method=POST nth=2; without one: list the rules")
    parser.set_defaults(run=_fault)


def _fault(arguments: argparse.Namespace) -> int:
    if arguments.clear:
        return _show(_state(arguments), "DELETE", "/lab/faults")
    if not arguments.rule:
        return _show(_state(arguments), "GET", "/lab/faults")
    rule: dict[str, Any] = {}
    for item in arguments.rule:
        key, equals, value = item.partition("=")
        if not equals:
            sys.exit(f"{item!r} is not KEY=VALUE")
        rule[key] = _plain(value)
    return _show(_state(arguments), "POST", "/lab/faults", rule)


def _plain(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _show(state: Path, method: str, path: str, data: dict[str, Any] | None = None) -> int:
    file = state / "connection.json"
    if not file.exists():
        sys.exit(f"no emulator runs on {state}: {file} is not there")
    connection = json.loads(file.read_text(encoding="utf-8"))
    request = urllib.request.Request(f"https://{connection['host']}:{connection['port']}{path}", method=method,
                                     data=None if data is None else json.dumps(data).encode())
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=connection["ca_path"]),
                                    timeout=10) as answer:
            print(json.dumps(json.load(answer), indent=1))
    except urllib.error.HTTPError as error:
        sys.exit(error.read().decode())
    except OSError as error:
        sys.exit(f"the emulator of {state} does not answer: {error}")
    return 0
