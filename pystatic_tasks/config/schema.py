"""Generates the configuration's JSON schema, for editors and validate-pyproject.

It follows draft 7, which SchemaStore and validate-pyproject require.
The schema never rejects what the loader accepts; what it cannot express, the loader checks.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, is_dataclass
from typing import Any, Literal

from pystatic_tasks.config.convert import keys, required_keys, strip_none, types_of
from pystatic_tasks.config.load import TARGETS
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import TABLE
from pystatic_tasks.config.rules import RULES

DRAFT = "http://json-schema.org/draft-07/schema#"
# The address at SchemaStore for the schema of a table in pyproject.toml.
ADDRESS = f"https://json.schemastore.org/partial-{TABLE}.json"
PLAIN_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
IMAGES = "Several images: a table for each, with all these keys again; keys outside these tables apply to all images."


def for_validate_pyproject(tool_name: str) -> dict[str, Any]:
    """The settings of pystatic-tasks, in the table `$tool`."""
    # validate-pyproject shows the docstring in its help, with the table's name for "$tool".
    return config_schema()


def config_schema() -> dict[str, Any]:
    """The schema of `[tool.pystatic-tasks]`, as JSON-compatible data."""
    definitions = {
        name: key_schema(types_of(ImageConfig)[field.name], field) for name, field in keys(ImageConfig).items()
    }
    one_image = {**table_of({name: {"$ref": f"#/definitions/{name}"} for name in definitions}), **one_target()}
    images = {"description": plain(IMAGES), "type": "object", "additionalProperties": one_image}
    return {
        "$schema": DRAFT,
        "$id": ADDRESS,
        "title": f"[tool.{TABLE}]",
        "description": "From a Python web service to a container image from scratch.",
        **one_image,
        "properties": {**one_image["properties"], "images": images},
        "definitions": definitions,
    }


def pyproject_schema() -> dict[str, Any]:
    """A schema of a whole pyproject.toml that describes only our table, for editors that take one schema a file."""
    table = config_schema()
    outer = {"$schema": table.pop("$schema"), "title": "pyproject.toml", "type": "object"}
    definitions = table.pop("definitions")
    del table["$id"]
    tool = {"type": "object", "additionalProperties": True, "properties": {TABLE: table}}
    return {**outer, "additionalProperties": True, "properties": {"tool": tool}, "definitions": definitions}


def table_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def table_schema(cls: type) -> dict[str, Any]:
    """The schema of the table that fills a dataclass."""
    table = table_of({name: key_schema(types_of(cls)[field.name], field) for name, field in keys(cls).items()})
    required = required_keys(cls)
    return {**table, **({"required": required} if required else {})}


def one_target() -> dict[str, Any]:
    """At most one of the keys that name a target may be given; an empty string does not count."""
    given = {"type": "string", "minLength": 1}
    absent = {
        "description": f"{', '.join(TARGETS)} are mutually exclusive; keep one.",
        "type": "string",
        "maxLength": 0,
    }
    return {
        "allOf": [
            {
                "if": {"required": [target], "properties": {target: given}},
                "then": {"properties": {other: absent for other in TARGETS if other != target}},
            }
            for target in TARGETS
        ]
    }


def key_schema(annotation: Any, field: Field[Any]) -> dict[str, Any]:
    """The schema of one key: its description, its type and its default."""
    doc, unless = field.metadata["doc"], field.metadata["unless"]
    schema = {
        "description": plain(f"{doc} Default: {unless}." if unless else doc),
        **value_schema(annotation, field.metadata["check"]),
    }
    members = {name: key_schema(*member) for name, member in field.metadata["members"].items()}
    schema.update({"properties": members} if members else {})
    default = default_of(field)
    return schema if unless or default is None or is_dataclass(default) else {**schema, "default": default}


def default_of(field: Field[Any]) -> Any:
    """The default of a key, as JSON-compatible data."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return list(field.default) if isinstance(field.default, tuple) else field.default


def value_schema(annotation: Any, check: str) -> dict[str, Any]:
    annotation = strip_none(annotation)
    origin = typing.get_origin(annotation)
    if is_dataclass(annotation):
        return table_schema(typing.cast(type, annotation))
    if origin is tuple:
        items = value_schema(typing.get_args(annotation)[0], check)
        return {"type": "array", "items": items, **({"minItems": 1} if RULES[check].needs_items else {})}
    if origin is Literal:
        return {"type": "string", "enum": list(typing.get_args(annotation))}
    rule = RULES[check].schema
    if check == "size":
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", **rule}]}
    if annotation is Any:
        return dict(rule)
    if origin is not None:
        of_text = typing.get_args(annotation)[1] is str
        return {"type": "object", **({"additionalProperties": {"type": "string"}} if of_text else {}), **rule}
    return {"type": PLAIN_TYPES[annotation], **rule}


def plain(text: str) -> str:
    """Markdown without links and code marks."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "")
