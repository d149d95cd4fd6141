# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading text and YAML from disk, with every failure as a Problem."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.detectviz.infra.plugins.plugin_utils.problems import Place, Problems

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_BYTES = 16 * 1024 * 1024
_MAX_INTEGER_BITS = 1024  # Python prints no more than 4300 digits, and nothing here counts so far
_MAX_DEPTH = 50  # libyaml's composer recurses in C: a file of brackets alone would crash the interpreter


def read_text(path: Path, place: Place, problems: Problems) -> str | None:
    """The text of a UTF-8 file, or None after adding a problem."""
    expected = "give a readable text file in UTF-8"
    try:
        if path.stat().st_size > _MAX_BYTES:
            problems.add(place, None, "is larger than 16 MiB", expected)
            return None
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.add(place, None, "does not exist", expected)
    except UnicodeDecodeError as error:
        problems.add(place, None, f"is not UTF-8 text (byte {error.start})", expected)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        problems.add(place, None, f"cannot be read ({getattr(error, 'strerror', None) or error})", expected)
    return None


class Opaque:
    """Stands for a value that is encrypted or otherwise not ours to read."""


class _Loader(_BASE):  # type: ignore[misc]
    """YAML as Ansible reads it, but a key written twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value_node in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key_node.value} is written twice", key_node.start_mark
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)

    def construct_integer(self, node: Any) -> int:
        """An integer that can be printed, whatever its base."""
        value = self.construct_yaml_int(node)
        if value.bit_length() > _MAX_INTEGER_BITS:
            raise yaml.constructor.ConstructorError(None, None, "the number is far too large", node.start_mark)
        return value


class _TableLoader(_Loader):
    """Tables: no dates and no base-60 numbers, so that a MAC address or a version stays what was written."""


_TableLoader.yaml_implicit_resolvers = {}
_TableLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), None
)
_TableLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|-?[1-9][0-9]{0,11})\Z"), None)
_TableLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"-?[0-9]{1,12}\.[0-9]{1,12}\Z"), None)
_TableLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), None)
_TableLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), None)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)
_Loader.add_constructor("!vault", lambda loader, node: Opaque())
_Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))


def read_yaml(path: Path, place: Place, problems: Problems, *, table: bool = False) -> tuple[Any, list[int]] | None:
    """The data of a YAML file, and the lines on which the entries of its ``machines`` list begin.

    None after adding a problem.
    """
    text = read_text(path, place, problems)
    if text is None:
        return None
    expected = "write valid YAML"
    try:
        if _too_deep(text):
            problems.add(place, None, f"is nested deeper than {_MAX_DEPTH} levels", expected)
            return None
        loader = (_TableLoader if table else _Loader)(text)
        try:
            root = loader.get_single_node()
            data = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
        _refuse_cycles(data)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        problems.add(place, None, f"is not valid YAML: {error.problem or error.context}{where}", expected)
        return None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        problems.add(place, None, f"is not valid YAML: {' '.join(str(error).split())[:120]}", expected)
        return None
    return data, _entry_lines(root)


def _too_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _refuse_cycles(data: Any, limit: int = 1_000_000) -> None:
    """An alias may point to its own parent, or blow a small file up to billions of values."""
    stack, count = [(data, 0)], 0
    while stack:
        value, depth = stack.pop()
        count += 1
        if depth > _MAX_DEPTH or count > limit:
            raise ValueError("its aliases make it endless or far too large")
        if isinstance(value, dict):
            stack.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            stack.extend((item, depth + 1) for item in value)


def _entry_lines(root: Any) -> list[int]:
    sequence = root
    if isinstance(root, yaml.MappingNode):
        sequence = next((value for key, value in root.value if key.value == "machines"), None)
    if isinstance(sequence, yaml.SequenceNode):
        return [node.start_mark.line + 1 for node in sequence.value]
    return []
