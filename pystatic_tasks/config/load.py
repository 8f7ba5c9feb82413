"""The cascade: defaults < file < images.NAME < register() < PYSTATIC_TASKS_* < after `--`."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import (
    Problems,
    convert_table,
    kebab,
    keys,
    nearest,
    strip_none,
    types_of,
)
from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.project import is_installable, read_pyproject

TABLE = "pystatic-tasks"
ENVIRONMENT_PREFIX = "PYSTATIC_TASKS_"
Paths = list[tuple[tuple[str, ...], Any]]
TARGETS = ("app", "script", "command")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place that configuration comes from: its values by field name, and what is wrong in it."""

    values: dict[str, Any]
    problems: list[str]


def load_config(
    root: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Image, ...]:
    """Read the images to build from `root/pyproject.toml` and what overrides it.

    Args:
        root: Folder of the pyproject.toml; relative paths start from it.
        overrides: Keyword arguments of `register()`: nested, with underscores.
        environment: Environment variables; only those with our prefix are read.
        options: What stood after `--`, as a raw table.

    Returns:
        One `Image` for each table under `images`, or a single one.

    Raises:
        ConfigError: with everything that is wrong, each with its dotted path.
    """
    pyproject = read_pyproject(root)
    table = dict(pyproject.get("tool", {}).get(TABLE, {}))
    problems = misspelt_tables(pyproject)
    named = table.pop("images", {})
    if not isinstance(named, Mapping) or not all(isinstance(each, Mapping) for each in named.values()):
        problems.append(f"tool.{TABLE}.images: must hold one table for each image, such as [tool.{TABLE}.images.web]")
        named = {}

    common = read_source(f"tool.{TABLE}.", table)
    override = read_source("register(): ", with_kebab_keys(overrides or {}))
    variables = read_environment(environment or {})
    option = read_source("--", options or {})
    for source in (common, override, variables, option):
        problems.extend(source.problems)

    images = []
    for name, raw in named.items() or {"": {}}.items():
        own = read_source(f"tool.{TABLE}.images.{name}.", raw)
        problems.extend(own.problems)
        values = {"name": name} if name else {}
        for source in (common, own, override, variables, option):
            values = merge(values, source.values)
        if name and "name" not in own.values:
            values["name"] = name
        where = f"tool.{TABLE}.images.{name}" if name else f"tool.{TABLE}"
        if not problems:
            images.append(build_image(root, pyproject, values, where, problems))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(
            f"{count} in the configuration of {root / 'pyproject.toml'}:",
            "Correct the lines above and try again.",
            problems,
        )
    return tuple(images)


def read_source(prefix: str, raw: Mapping[str, Any]) -> Source:
    problems = Problems(prefix)
    return Source(values=convert_table(Image, raw, "", problems), problems=problems.lines)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables key by key, everything else replaced."""
    result = dict(below)
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


def misspelt_tables(pyproject: Mapping[str, Any]) -> list[str]:
    """Tables that look like ours and are not read."""
    tool = pyproject.get("tool", {})
    found = [name for name in (*tool, *pyproject) if name != TABLE and looks_like_ours(name)]
    return [f"[{'tool.' if name in tool else ''}{name}] is not read; did you mean [tool.{TABLE}]?" for name in found]


def looks_like_ours(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain in ("pystatic", "pystatictask") or difflib.SequenceMatcher(None, plain, "pystatictasks").ratio() > 0.85


def with_kebab_keys(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Python's spelling of the keys of our own tables turned into TOML's.

    What stands below `server`, `env`, `labels` and `files` are names of others and stay as they are.
    """
    ours = {name for name, target in keys(Image).items() if is_dataclass(types_of(Image)[target.name])}
    return {
        kebab(name): with_kebab_keys(value) if kebab(name) in ours and isinstance(value, Mapping) else value
        for name, value in overrides.items()
    }


def read_environment(environment: Mapping[str, str]) -> Source:
    """The variables PYSTATIC_TASKS_KEY and PYSTATIC_TASKS_TABLE_KEY."""
    known = environment_names()
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in sorted(name for name in environment if name.startswith(ENVIRONMENT_PREFIX)):
        if variable not in known:
            problems.append(f"{variable}: unknown variable; {nearest(variable, known)}")
            continue
        path, annotation = known[variable]
        raw: Any = from_text(environment[variable], annotation)
        for part in reversed(path):
            raw = {part: raw}
        single = Problems("")
        values = merge(values, convert_table(Image, raw, "", single))
        problems.extend(line.replace(".".join(path), variable, 1) for line in single.lines)
    return Source(values=values, problems=problems)


def environment_names() -> dict[str, tuple[tuple[str, ...], Any]]:
    """Every variable that is read, with the path of its key and the key's type."""
    names = {}
    for name, target in keys(Image).items():
        annotation = types_of(Image)[target.name]
        if is_dataclass(annotation):
            cls = typing.cast(type, annotation)
            paths: Paths = [((name, key), types_of(cls)[each.name]) for key, each in keys(cls).items()]
        else:
            paths = [((name,), annotation)]
        for path, kind in paths:
            if is_plain(kind):
                names[ENVIRONMENT_PREFIX + "_".join(path).replace("-", "_").upper()] = (path, kind)
    return names


def is_plain(annotation: Any) -> bool:
    """Whether one line of text can carry the value."""
    annotation = strip_none(annotation)
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0] in (str, int)
    return annotation in (str, int, float, bool) or typing.get_origin(annotation) is typing.Literal


def from_text(text: str, annotation: Any) -> Any:
    """The text of a variable as a raw value; text that does not fit stays text and is refused later."""
    annotation = strip_none(annotation)
    if typing.get_origin(annotation) is tuple:
        item = typing.get_args(annotation)[0]
        return [from_text(part.strip(), item) for part in text.split(",") if part.strip()]
    if annotation is bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if annotation in (int, float) and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return annotation(float(text))
    return text


def build_image(
    root: Path, pyproject: Mapping[str, Any], values: dict[str, Any], where: str, problems: list[str]
) -> Image:
    if len([name for name in TARGETS if values.get(name)]) != 1:
        given = [name for name in TARGETS if values.get(name)]
        problems.append(
            f"{where}: {' and '.join(given)} exclude each other; keep one"
            if given
            else f'{where}.app: missing; say what to serve, such as app = "package.module:callable"'
        )
    if "install" not in values and not is_installable(root, pyproject):
        values["install"] = ()
    project = installed_project(root, values.get("install", (".",)))
    project_name = name_of(project)
    values.setdefault("name", image_name(project_name or root.resolve().name))
    for table in fields(Image):
        default: Any = table.default
        if is_dataclass(default) and table.name in values:
            values[table.name] = replace(default, **values[table.name])  # type: ignore[type-var]
    return Image(root=root, project=project, project_name=project_name, **values)


def installed_project(root: Path, install: tuple[str, ...]) -> Path:
    """The first folder among what is installed, or the root."""
    folders = (root / entry.partition("[")[0] for entry in install)
    return next((folder.resolve() for folder in folders if (folder / "pyproject.toml").exists()), root)


def name_of(project: Path) -> str:
    """The name that the project's pyproject.toml gives it, or ""."""
    try:
        return str(read_pyproject(project).get("project", {}).get("name", ""))
    except ConfigError:
        return ""


def image_name(text: str) -> str:
    """Any name turned into one that an image may have."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"
