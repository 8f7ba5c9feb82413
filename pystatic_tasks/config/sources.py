"""Reads each source of configuration by itself, with all of its problems."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from pystatic_tasks.config.convert import (
    LONGEST_WORD,
    Problems,
    convert_table,
    kebab,
    keys,
    nearest,
    show,
    strip_none,
    types_of,
)
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import TABLE
from pystatic_tasks.system.texts import printable

ENVIRONMENT_PREFIX = "PYSTATIC_TASKS_"
OPTION_NAMES = {"image.tags": "--tag", "smoke.engine": "--engine", "layout": "--layout", "build.place": "--in"}
Key = tuple[tuple[str, ...], Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source: its values by field name, and its problems."""

    values: dict[str, Any]
    problems: list[str]


def read_table(path: str, raw: Any) -> Source:
    """A table of pyproject.toml, or the arguments of `register()`."""
    problems = Problems(path)
    if not isinstance(raw, Mapping):
        return Source(values={}, problems=[f"{path.rstrip('.: ')}: must be a table, not {show(raw)}"])
    return Source(values=convert_table(ImageConfig, raw, "", problems), problems=problems.lines)


def read_overrides(overrides: Mapping[str, Any]) -> Source:
    """The keyword arguments of `register()`: nested, with underscores."""
    return read_table("register(): ", with_kebab_keys(overrides))


def with_kebab_keys(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Our own keys in Python's spelling, converted to TOML's.

    Names below `server`, `env`, `labels` and `files` are not ours and stay unchanged.
    """
    ours = {name for name, target in keys(ImageConfig).items() if is_dataclass(types_of(ImageConfig)[target.name])}
    return {
        kebab(str(name)): with_kebab_keys(value) if kebab(str(name)) in ours and isinstance(value, Mapping) else value
        for name, value in overrides.items()
    }


def read_options(options: Mapping[str, Any]) -> Source:
    """The options after `--`, as a raw table."""
    source = read_table("", options)
    problems = [line.replace("[0]", "") for line in source.problems]
    for key, option in OPTION_NAMES.items():
        problems = [option + line.removeprefix(key) if line.startswith(key) else line for line in problems]
    return Source(values=source.values, problems=problems)


def read_environment(environment: Mapping[str, str]) -> list[Source]:
    """The variables PYSTATIC_TASKS_KEY and PYSTATIC_TASKS_TABLE_KEY, each as a source."""
    variables = sorted(name for name in environment if name.startswith(ENVIRONMENT_PREFIX))
    return [read_variable(name.removeprefix(ENVIRONMENT_PREFIX), environment[name]) for name in variables]


def read_variable(name: str, text: str) -> Source:
    known = environment_names()
    variable = f"{ENVIRONMENT_PREFIX}{name}"
    if name not in known:
        hint = nearest(name.upper(), known).replace('"', f'"{ENVIRONMENT_PREFIX}', 1)
        return Source(values={}, problems=[f"{printable(variable)}: unknown variable; {hint}"])
    path, annotation = known[name]
    raw: Any = from_text(text, annotation)
    for part in reversed(path):
        raw = {part: raw}
    source = read_table("", raw)
    problems = [line.replace(".".join(path), variable, 1) for line in source.problems]
    return Source(values=source.values, problems=problems)


def environment_names() -> dict[str, Key]:
    """All supported variables, without the prefix, each with the path of its key and the key's type."""
    names = {}
    for name, target in keys(ImageConfig).items():
        annotation = types_of(ImageConfig)[target.name]
        if is_dataclass(annotation):
            cls = typing.cast(type, annotation)
            found: list[Key] = [((name, key), types_of(cls)[each.name]) for key, each in keys(cls).items()]
        else:
            found = [((name,), annotation)]
        for path, kind in found:
            if is_plain(kind):
                names["_".join(path).replace("-", "_").upper()] = (path, kind)
    return names


def is_plain(annotation: Any) -> bool:
    """Whether the value can be written as one line of text."""
    annotation = strip_none(annotation)
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0] in (str, int)
    return annotation in (str, int, float, bool) or typing.get_origin(annotation) is typing.Literal


def from_text(text: str, annotation: Any) -> Any:
    """The text of a variable as a raw value; text that does not fit stays unchanged and is rejected later."""
    annotation = strip_none(annotation)
    if typing.get_origin(annotation) is tuple:
        item = typing.get_args(annotation)[0]
        return [from_text(part.strip(), item) for part in text.split(",") if part.strip()]
    if annotation is bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if annotation is int and re.fullmatch(r"-?[0-9]{1,20}", text):
        return int(text)
    if annotation is float and re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,50})?", text):
        return float(text)
    return text


def misspelt_tables(pyproject: Mapping[str, Any]) -> list[str]:
    """Tables that look like ours but are not read."""
    tool = pyproject.get("tool", {})
    inner = [f"tool.{name}" for name in tool if name != TABLE and looks_like_ours(name)]
    outer = [name for name in pyproject if looks_like_ours(name)]
    return [f"[{printable(name)}] is not read; did you mean [tool.{TABLE}]?" for name in (*inner, *outer)]


def looks_like_ours(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())[:LONGEST_WORD]
    return plain in ("pystatic", "pystatictask") or difflib.SequenceMatcher(None, plain, "pystatictasks").ratio() > 0.85
