"""The schema of one release: which operations there are, how a path finds its template, what they take and return."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lab.pve.schema import build
from lab.pve.schema.validate import Errors, check_parameters, check_value


@dataclass(frozen=True)
class Operation:
    """One method of one path template, as the API description has it."""

    method: str
    path: str
    name: str
    parameters: dict[str, Any]
    permissions: dict[str, Any]
    protected: bool
    allowtoken: bool
    returns: dict[str, Any]
    child: str | None

    @property
    def has_node(self) -> bool:
        return self.path.startswith("/nodes/{node}")


class Schema:
    """All operations of one release."""

    def __init__(self, version: str, paths: dict[str, Any]) -> None:
        self.version = version
        self.operations: dict[tuple[str, str], Operation] = {}
        self._tree: dict[str, Any] = {}
        for path, methods in paths.items():
            self._plant(path)
            for method, info in methods.items():
                self.operations[(method, path)] = Operation(method, path, **info)

    @classmethod
    def load(cls, version: str) -> Schema:
        """From the cache; the extract is made when it is missing."""
        return cls(version, json.loads(build.ensure(version).read_text(encoding="utf-8")))

    def _plant(self, path: str) -> None:
        branch = self._tree
        for part in path.strip("/").split("/"):
            branch = branch.setdefault(part, {})
        branch["\0"] = path

    def route(self, path: str) -> tuple[str, dict[str, str]] | None:
        """(template, path parameters) of a path, or None. Fixed names win over parameters."""
        branch, values = self._tree, {}
        parts = path.strip("/").split("/")
        for index, part in enumerate(parts):
            if part in branch and part != "\0":
                branch = branch[part]
                continue
            name = next((key for key in branch if key.startswith("{")), None)
            if name is None or not part:
                return None
            key = name.strip("{}")
            if "\0" in branch[name] and len(branch[name]) == 1 and key in ("volume",):
                values[key] = "/".join(parts[index:])  # a volume's name holds slashes
                return branch[name]["\0"], values
            values[key] = part
            branch = branch[name]
        return (branch["\0"], values) if "\0" in branch else None

    def operation(self, method: str, template: str) -> Operation | None:
        return self.operations.get((method, template))

    def children(self, template: str) -> list[str]:
        """Fixed names below a path."""
        branch = self._tree
        for part in template.strip("/").split("/"):
            branch = branch[part]
        return sorted(key for key in branch if key != "\0" and not key.startswith("{"))

    def check(self, operation: Operation, values: dict[str, Any]) -> tuple[dict[str, Any], Errors]:
        """Typed parameters and what is wrong with them."""
        return check_parameters(operation.parameters, values)

    def validate_returns(self, method: str, template: str, data: Any) -> Errors:
        """What is wrong with an answer's data; empty when it is as the API description says."""
        operation = self.operations[(method, template)]
        errors: Errors = {}
        if data is None:
            if operation.returns.get("type") not in (None, "null", "any") and not operation.returns.get("optional"):
                errors["data"] = f"is null, expected {operation.returns['type']}"
            return errors
        if operation.returns.get("type") == "null":
            return {"data": "is not null"}
        check_value("data", data, _tolerant(operation.returns), errors)
        return errors


def _tolerant(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns are documented loosely: keys that the description does not name are no fault."""
    copy = {key: value for key, value in schema.items() if key != "additionalProperties"}
    if isinstance(copy.get("items"), dict):
        copy["items"] = _tolerant(copy["items"])
    if isinstance(copy.get("properties"), dict):
        copy["properties"] = {name: _tolerant(sub) for name, sub in copy["properties"].items()}
    return copy
