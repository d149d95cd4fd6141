"""Check values against the schema, with the texts of Proxmox VE, and type them.

Errors are collected as {parameter: text}; the first error of a parameter stands.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from lab.pve.schema import formats
from lab.pve.schema.named_property_strings import FORMATS as NAMED_OBJECTS
from lab.pve.schema.property_string import PropertyStringError, parse

Errors = dict[str, str]
# How many of an indexed parameter there are: the API description says so in prose only.
INDEX_LIMITS = {"net": 32, "scsi": 31, "virtio": 16, "ide": 4, "sata": 6, "unused": 256, "ipconfig": 32, "hostpci": 16,
                "usb": 14, "numa": 8, "serial": 4, "parallel": 3, "link": 8, "mp": 256, "dev": 256, "virtiofs": 10,
                "acmedomain": 6}
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INDEXED = re.compile(r"([a-z]+)(\d+)")


def property_schema(properties: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The schema of a parameter; `net7` finds `net[n]` while 7 is below its limit."""
    if name in properties:
        return properties[name]
    found = _INDEXED.fullmatch(name)
    if found and f"{found[1]}[n]" in properties and int(found[2]) < INDEX_LIMITS.get(found[1], 0) \
            and found[2] == str(int(found[2])):
        return properties[f"{found[1]}[n]"]
    return None


def check_parameters(schema: dict[str, Any], values: dict[str, Any]) -> tuple[dict[str, Any], Errors]:
    """Typed values and what is wrong with them."""
    errors: Errors = {}
    properties = schema.get("properties") or {}
    values = {key: _as_array(value, property_schema(properties, key)) for key, value in values.items()}
    check_object("", properties, values, schema.get("additionalProperties", 1), errors)
    typed = {} if errors else {key: typed_value(value, property_schema(properties, key) or {})
                               for key, value in values.items() if value is not None}
    return typed, errors


def _as_array(value: Any, schema: dict[str, Any] | None) -> Any:
    """A form cannot tell one value from a list of one."""
    wants_list = schema is not None and schema.get("type") == "array"
    if wants_list and not isinstance(value, list):
        return [value]
    if not wants_list and isinstance(value, list) and schema is not None and schema.get("type") == "string":
        return "\0".join(str(item) for item in value)
    return value


def typed_value(value: Any, schema: dict[str, Any]) -> Any:
    """A checked value in its type: booleans are 0 or 1."""
    kind = schema.get("type")
    if kind in ("integer", "boolean"):
        return int(value)
    if kind == "number":
        return float(value) if not _INTEGER.fullmatch(str(value)) else int(value)
    if kind == "array":
        return [typed_value(item, schema.get("items") or {}) for item in value]
    return value if isinstance(value, (dict, list)) else str(value)


def check_object(path: str, properties: dict[str, Any], values: dict[str, Any], additional: Any,
                 errors: Errors) -> None:
    """Each property, what is missing, what requires another, and what is unknown."""
    for name in sorted(properties):
        if not name.endswith("[n]") and values.get(name) is None and not is_optional(properties[name]) \
                and "alias" not in properties[name]:
            _add(errors, _join(path, name), "property is missing and it is not optional")
    for name, value in values.items():
        if value is None:
            continue
        schema = property_schema(properties, name)
        if schema is None:
            if not truth(additional):
                _add(errors, _join(path, name),
                     "property is not defined in schema and the schema does not allow additional properties")
            continue
        check_value(_join(path, name), value, schema, errors)
        needed = schema.get("requires")
        if isinstance(needed, str) and values.get(needed) is None:
            _add(errors, _join(path, needed), f"missing property - '{_join(path, name)}' requires this property")


def check_value(path: str, value: Any, schema: dict[str, Any], errors: Errors) -> None:
    """One value against its schema."""
    if "oneOf" in schema:
        _check_one_of(path, value, schema["oneOf"], errors)
        return
    if not _check_type(path, schema.get("type"), value, errors):
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_value(f"{path}[{index}]", item, schema.get("items") or {}, errors)
    elif isinstance(value, dict):
        if "properties" in schema or "additionalProperties" in schema:
            check_object(path, schema.get("properties") or {}, value, schema.get("additionalProperties", 1), errors)
    else:
        text = _scalar_error(path, scalar_text(value), schema)
        if text:
            _add(errors, path, text)


def _check_one_of(path: str, value: Any, options: list[dict[str, Any]], errors: Errors) -> None:
    collected: Errors = {}
    for option in options:
        tried: Errors = {}
        check_value(path, value, option, tried)
        if not tried:
            return
        collected = collected or tried
    for key, text in collected.items():
        _add(errors, key, text)


def _check_type(path: str, kind: str | None, value: Any, errors: Errors) -> bool:
    text = scalar_text(value)
    if kind in (None, "any"):
        return True
    if kind == "array":
        fits = isinstance(value, list)
    elif kind == "object":
        fits = isinstance(value, dict)
    elif kind == "null":
        fits = value is None or text == ""
    elif isinstance(value, (list, dict)):
        fits = False
    elif kind == "integer":
        fits = _INTEGER.fullmatch(text) is not None
    elif kind == "number":
        fits = _NUMBER.fullmatch(text) is not None
    elif kind == "boolean":
        fits = text in ("0", "1")
    else:
        fits = True
    if not fits:
        _add(errors, path, f"type check ('{kind}') failed" + (f" - got '{text}'" if text is not None else ""))
    return fits


def scalar_text(value: Any) -> str | None:
    """A scalar as the server sees it: text. JSON true and false are 1 and 0."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return None if isinstance(value, (list, dict)) else str(value)


def _scalar_error(path: str, text: str, schema: dict[str, Any]) -> str | None:
    if "format" in schema:
        wrong = format_error(path, text, schema["format"])
        if wrong:
            return f"invalid format - {wrong}"
    if schema.get("pattern") and not perl_pattern(schema["pattern"]).search(text):
        return "value does not match the regex pattern"
    if "maxLength" in schema and len(text) > int(schema["maxLength"]):
        return f"value may only be {schema['maxLength']} characters long"
    if "minLength" in schema and len(text) < int(schema["minLength"]):
        return f"value must be at least {schema['minLength']} characters long"
    if _NUMBER.fullmatch(text) and schema.get("type") in ("integer", "number"):
        if schema.get("maximum") is not None and float(text) > float(schema["maximum"]):
            return f"value must have a maximum value of {schema['maximum']}"
        if schema.get("minimum") is not None and float(text) < float(schema["minimum"]):
            return f"value must have a minimum value of {schema['minimum']}"
    if schema.get("enum") and text not in [str(item) for item in schema["enum"]]:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(map(str, schema['enum']))}'"
    return None


def format_error(path: str, text: str, fmt: str | dict[str, Any]) -> str | None:
    """What is wrong with a value of a named or an inline format."""
    if isinstance(fmt, str) and fmt not in NAMED_OBJECTS:
        try:
            formats.check(fmt, text)
        except ValueError as error:
            return f"{error}\n"
        return None
    fields = NAMED_OBJECTS[fmt] if isinstance(fmt, str) else fmt
    try:
        values = parse(text, fields)
    except PropertyStringError as error:
        return f"{error}\n"
    errors: Errors = {}
    check_object(path, fields, values, 0, errors)
    if errors:
        return "format error\n" + "".join(f"{key}: {said.rstrip()}\n" for key, said in errors.items())
    return None


@functools.lru_cache(maxsize=1024)
def perl_pattern(pattern: str) -> re.Pattern[str]:
    """A Perl pattern of the schema, matched from start to end as Proxmox VE does."""
    text = re.sub(r"\(\?\^([a-z]*):", lambda flags: f"(?{'i' if 'i' in flags[1] else ''}:", pattern)
    return re.compile(rf"^(?:{text})$" if "|" in text else rf"^{text}$")


def is_optional(schema: dict[str, Any]) -> bool:
    return truth(schema.get("optional", 0))


def truth(value: Any) -> bool:
    """A flag of the schema: 1, 0, "1", "0", true, false."""
    return str(value) not in ("0", "", "False", "None")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _add(errors: Errors, path: str, text: str) -> None:
    errors.setdefault(path, text)
