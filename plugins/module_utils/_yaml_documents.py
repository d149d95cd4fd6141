# Copyright (c) 2026, The detectviz.infra authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream of YAML documents in which some are replaced and all others stay as they are, letter by letter. Pure.

PyYAML is loaded by the module, which reports it if it is missing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

from ansible_collections.detectviz.infra.plugins.module_utils._errors import InfraError

# The one thing that a line of a document cannot begin with, whatever it is part of.
_START = re.compile(r"^---(?=\s|$)", re.M)

_TWICE = "a key that is there twice"
_NOT_IN_KUBERNETES = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")


class Document(NamedTuple):
    """One document: its text, from its ``---`` on, and what it says; None if it is empty."""

    text: str
    value: Any


def read_documents(text: str, name: str) -> list[Document]:
    """The documents of ``text``, which is called ``name`` in errors.

    Raises InfraError with the line for text that is no YAML, or that has a key twice in one place.
    """
    starts = [0, *(match.start() for match in _START.finditer(text) if match.start() > 0)]
    documents = []
    for start, end in zip(starts, [*starts[1:], len(text)]):
        part = text[start:end]
        first_line = text.count("\n", 0, start)
        try:
            documents.append(Document(part, yaml.load(part, Loader=_loader())))
        except yaml.YAMLError as error:
            raise InfraError(f"{name}{_where(error, first_line)}: {_what(error, first_line)}") from error
    return documents


def write_documents(documents: list[Document], replaced: dict[int, Any]) -> str:
    """The stream again. Documents whose number is in ``replaced`` are written anew."""
    return "".join(
        _dumped(replaced[number], document.text) if number in replaced else document.text
        for number, document in enumerate(documents)
    )


def _dumped(value: Any, former: str) -> str:
    """In place of ``former``; the first document of a stream may be without its ``---``."""
    start = "---\n" if former.startswith("---") else ""
    return start + yaml.dump(value, Dumper=_dumper(), sort_keys=False, width=120)


def _loader() -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class StrictLoader(base):  # type: ignore[misc, valid-type]
        """Refuses a key that is there twice, where others keep the last one."""

    # Kubernetes knows no dates, and takes a lone = for the text that it is.
    StrictLoader.yaml_implicit_resolvers = {
        letter: [item for item in resolvers if item[0] not in _NOT_IN_KUBERNETES]
        for letter, resolvers in base.yaml_implicit_resolvers.items()
    }
    StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
    return StrictLoader


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, _value in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        try:
            former = seen.setdefault(key, key_node)
        except TypeError as error:
            raise yaml.constructor.ConstructorError(
                None, None, "a key is no plain value", key_node.start_mark
            ) from error
        if former is not key_node:
            problem = f"the key {key!r} is there twice"
            raise yaml.constructor.ConstructorError(_TWICE, former.start_mark, problem, key_node.start_mark)
    return yaml.constructor.SafeConstructor.construct_mapping(loader, node, deep=True)


def _dumper() -> Any:
    class PlainDumper(yaml.SafeDumper):
        """Lists are not indented, nothing is an alias, and text of several lines is a block."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    PlainDumper.add_representer(str, text)
    return PlainDumper


def _where(error: Any, first_line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" line {first_line + mark.line + 1}" if mark else ""


def _what(error: Any, first_line: int) -> str:
    problem = str(getattr(error, "problem", None) or error)
    if getattr(error, "context", None) == _TWICE:
        problem += f", first in line {first_line + error.context_mark.line + 1}"
    return problem
