"""Converts a raw table to the values of a configuration dataclass, and collects all problems."""

from __future__ import annotations

import datetime
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union

from pystatic_tasks.config.rules import RULES
from pystatic_tasks.config.unwieldy import unwieldy
from pystatic_tasks.system.redaction import masked
from pystatic_tasks.system.texts import printable

NOT_KEYS = ("root", "project", "project_name", "platform")
# Longer words are cut before they are compared with the known ones.
LONGEST_WORD = 50


@dataclass
class Problems:
    """What is wrong in one source of the configuration, one line for each problem."""

    prefix: str
    lines: list[str] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        self.lines.append(f"{self.prefix}{path}{message}")


def kebab(name: str) -> str:
    return name.replace("_", "-")


def keys(cls: type) -> dict[str, Field[Any]]:
    """The keys of a table in kebab-case, with the dataclass fields that they fill."""
    return {kebab(f.name): f for f in fields(cls) if f.name not in NOT_KEYS}


@cache
def types_of(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def strip_none(annotation: Any) -> Any:
    """`X` for `X | None`; anything else unchanged."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in typing.get_args(annotation) if arg is not type(None))
    return annotation


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the most similar known word, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(word[:LONGEST_WORD], known, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else "available: " + ", ".join(known)


def convert_table(cls: type, raw: Any, path: str, problems: Problems) -> dict[str, Any]:
    """The keys in the table `raw` as values for the fields of `cls`, by field name.

    Nested tables become nested dictionaries, so that sources can be merged.
    Problems are added to `problems`, each with its dotted path.
    """
    if not isinstance(raw, Mapping):
        problems.add(path, f" = {show(raw)}: must be a table")
        return {}
    known = keys(cls)
    result: dict[str, Any] = {}
    for name, value in raw.items():
        inner = f"{path}.{printable(str(name))}" if path else printable(str(name))
        target = known.get(str(name))
        if target is None:
            problems.add(inner, f": unknown key; {nearest(str(name), known)}")
            continue
        annotation = types_of(cls)[target.name]
        if is_dataclass(annotation):
            result[target.name] = convert_table(typing.cast(type, annotation), value, inner, problems)
            continue
        wrong = unwieldy(value)
        if wrong:
            problems.add(inner, f": {wrong}")
            continue
        before = len(problems.lines)
        converted = convert_value(annotation, value, inner, target.metadata["check"], problems)
        for member, (kind, _) in target.metadata["members"].items():
            if isinstance(value, Mapping) and member in value:
                convert_value(kind, value[member], f"{inner}.{member}", "", problems)
        if len(problems.lines) == before:
            result[target.name] = converted
    for name in required_keys(cls):
        if name not in raw:
            inner = f"{path}.{name}" if path else name
            problems.add(inner, f": missing; required: {', '.join(required_keys(cls))}")
    return result


def required_keys(cls: type) -> list[str]:
    """The keys that a table must have."""
    return [name for name, field in keys(cls).items() if field.metadata["required"]]


def convert_value(annotation: Any, value: Any, path: str, check: str, problems: Problems) -> Any:
    annotation = strip_none(annotation)
    origin = typing.get_origin(annotation)
    if origin is tuple:
        return convert_list(typing.get_args(annotation)[0], value, path, check, problems)
    if check == "size" and isinstance(value, str):
        return apply_rule(check, value, path, problems)
    expected = wrong_type(annotation, value)
    if expected:
        problems.add(path, f" = {show(value)}: must be {expected}")
        return None
    return apply_rule(check, value, path, problems)


def convert_list(item: Any, value: Any, path: str, check: str, problems: Problems) -> Any:
    if not isinstance(value, (list, tuple)):
        problems.add(path, f" = {show(value)}: must be a list")
        return None
    if is_dataclass(item):
        cls = typing.cast(type, item)
        return tuple(cls(**convert_table(cls, each, f"{path}[{n}]", problems)) for n, each in enumerate(value))
    if RULES[check].needs_items and not value:
        problems.add(path, " = []: must have at least one item")
    return tuple(convert_value(item, each, f"{path}[{n}]", check, problems) for n, each in enumerate(value))


def wrong_type(annotation: Any, value: Any) -> str:
    """What the value should be, or "" if its type is right."""
    origin = typing.get_origin(annotation)
    if annotation is Any:
        return ""
    if origin is Literal:
        allowed = typing.get_args(annotation)
        return "" if value in allowed else "one of " + ", ".join(f'"{word}"' for word in allowed)
    if origin is not None and issubclass(origin, Mapping):
        of_text = typing.get_args(annotation)[1] is str
        texts = [*value, *(value.values() if of_text else ())] if isinstance(value, Mapping) else [None]
        right = all(isinstance(each, str) for each in texts)
        return "" if right else "a table of strings" if of_text else "a table"
    if annotation is bool:
        return "" if isinstance(value, bool) else "true or false"
    if annotation is int:
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if annotation is float:
        return "" if isinstance(value, (int, float)) and not isinstance(value, bool) else "a number"
    return "" if isinstance(value, str) else "a string"


def apply_rule(check: str, value: Any, path: str, problems: Problems) -> Any:
    rule = RULES[check]
    try:
        return rule.check(value)
    except ValueError as error:
        problems.add(path, f" = {show(rule.shown(value))}: {error}")
        return None


def show(value: Any) -> str:
    """A value as in TOML, shortened if it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{printable(masked(value))}"'
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return printable(masked(repr(value)))
