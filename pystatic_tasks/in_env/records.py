"""Converts frozen dataclasses to JSON, and back."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union

Record = TypeVar("Record")
# The types that a value has after JSON, where they differ.
WRITTEN_AS: Mapping[Any, Any] = {Path: str, tuple: (list, tuple), float: (int, float)}


def to_json(record: Any) -> dict[str, Any]:
    """A dataclass as a dictionary for JSON: tuples become lists, paths become strings."""
    content: dict[str, Any] = plain(asdict(record))
    return content


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def from_json(kind: type[Record], content: Any) -> Record:
    """The dataclass that `to_json` converted.

    Raises:
        ValueError: the content does not fit that dataclass.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"{content!r} is no {kind.__name__}")
    hints = hints_of(typing.cast(Any, kind))
    names = {each.name for each in fields(typing.cast(Any, kind))}
    if not names >= content.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(content.keys() - names))}")
    try:
        return kind(**{name: read(hints[name], value) for name, value in content.items()})
    except TypeError as error:
        raise ValueError(str(error)) from None


@cache
def hints_of(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def read(annotation: Any, value: Any) -> Any:
    """Convert a value from JSON to the annotated type; raises ValueError if it has another type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return value
    if origin in (Union, types.UnionType):
        inner = next(each for each in arguments if each is not type(None))
        return None if value is None else read(inner, value)
    if is_dataclass(annotation):
        return from_json(typing.cast(type, annotation), value)
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, arguments))}")
        return value
    expected = origin or annotation
    if not isinstance(value, WRITTEN_AS.get(expected, expected)) or isinstance(value, bool) is not (expected is bool):
        raise ValueError(f"{value!r} is no {expected.__name__}")
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[-1] is ... else arguments
        return tuple(read(kind, each) for kind, each in zip(kinds, value, strict=True))
    if origin is not None:
        return {name: read(arguments[1], each) for name, each in value.items()}
    return Path(value) if annotation is Path else value
