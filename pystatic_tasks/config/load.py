"""Merges the configuration: defaults < file < images.NAME < register() < PYSTATIC_TASKS_* < options after `--`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.config.convert import nearest, show
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import (
    TABLE,
    default_image_name,
    is_installable,
    is_path,
    project_name,
    read_pyproject,
)
from pystatic_tasks.config.rules import check_name
from pystatic_tasks.config.sources import (
    Source,
    misspelt_tables,
    read_environment,
    read_options,
    read_overrides,
    read_table,
)
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.system.texts import printable

# More would not help.
MOST_PROBLEMS = 50
TARGETS = ("app", "script", "command")
NO_TARGET = 'missing; set what to serve, such as app = "package.module:callable"'


def load_config(
    root: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[ImageConfig, ...]:
    """Read the images to build from `root/pyproject.toml` and what overrides it.

    Args:
        root: Folder of the pyproject.toml; paths are relative to it.
        overrides: Keyword arguments of `register()`: nested, with underscores.
        environment: Environment variables; only those with our prefix are read.
        options: The options after `--`, as a raw table.

    Returns:
        One `ImageConfig` for each table under `images`, or a single one.

    Raises:
        ConfigError: with all problems, each with its dotted path.
    """
    pyproject = read_pyproject(root)
    problems = misspelt_tables(pyproject)
    table = pyproject.get("tool", {}).get(TABLE, {})
    named = named_images(table, problems)
    common = read_table(f"tool.{TABLE}.", without_images(table))
    above = [read_overrides(overrides or {}), *read_environment(environment or {}), read_options(options or {})]
    own = {name: read_table(f"tool.{TABLE}.images.{printable(name)}.", raw) for name, raw in named.items()}
    for source in (common, *own.values(), *above):
        problems.extend(source.problems)
    wrong_values = bool(problems)
    if len(named) > 1 and any("name" in source.values for source in (common, *above)):
        problems.append(f"name: several images cannot share one name; set it for each under [tool.{TABLE}.images]")

    if own:
        cascades = {
            f"tool.{TABLE}.images.{printable(name)}": cascade(
                [common, Source(values={"name": name}, problems=[]), source, *above]
            )
            for name, source in own.items()
        }
    else:
        cascades = {f"tool.{TABLE}": cascade([common, *above])}
    for where, values in cascades.items():
        problems.extend([] if wrong_values else target_problems(where, values))
        problems.extend(port_problems(where, values))
        problems.extend(service_problems(where, values))
        problems.extend(name_problems(where, values))
    problems.extend(shared_names(cascades.values()))
    if problems:
        raise too_many(problems, root)
    try:
        return tuple(build_image(root, pyproject, values) for values in cascades.values())
    except OSError as error:
        place = printable(str(error.filename))
        raise ConfigError(f"Cannot use the configured path {place}: {error.strerror}.", "Correct the path.") from None


def pick_image(images: Sequence[ImageConfig], name: str) -> ImageConfig:
    """The image of that name; the name may be empty if there is only one image.

    Raises:
        ConfigError: no image has that name.
    """
    if not name and len(images) == 1:
        return images[0]
    found = next((each for each in images if each.name == name), None)
    if found is None:
        raise ConfigError(
            f"There is no image {show(name)}; {nearest(name, [each.name for each in images])}", "Name one of them."
        )
    return found


def named_images(table: Any, problems: list[str]) -> Mapping[str, Any]:
    """The tables under `images`."""
    named = table.get("images", {}) if isinstance(table, Mapping) else {}
    if not isinstance(named, Mapping) or not all(isinstance(each, Mapping) for each in named.values()):
        problems.append(
            f"tool.{TABLE}.images: must contain one table for each image, such as [tool.{TABLE}.images.web]"
        )
        return {}
    return named


def without_images(table: Any) -> Any:
    if not isinstance(table, Mapping):
        return table
    return {name: value for name, value in table.items() if name != "images"}


def cascade(sources: Sequence[Source]) -> dict[str, Any]:
    """The values of all sources, later ones over earlier ones; a later target replaces an earlier one."""
    values: dict[str, Any] = {}
    for source in sources:
        if any(name in source.values for name in TARGETS):
            values = {name: value for name, value in values.items() if name not in TARGETS}
        values = merge(values, source.values)
    return values


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables are merged key by key, everything else is replaced."""
    result = dict(below)
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


def target_problems(where: str, values: Mapping[str, Any]) -> list[str]:
    given = [name for name in TARGETS if values.get(name)]
    if not given:
        return [f"{where}.app: {NO_TARGET}"]
    if len(given) > 1:
        return [f"{where}: {' and '.join(given)} are mutually exclusive; keep one"]
    return []


def port_problems(where: str, values: Mapping[str, Any]) -> list[str]:
    if values.get("app") and values.get("smoke", {}).get("port"):
        return [f"{where}.smoke.port: does not apply to an app, which is reached at its server's port; remove it"]
    return []


def service_problems(where: str, values: Mapping[str, Any]) -> list[str]:
    """Problems of services: a command without a program, or names and ports that are not unique."""
    services = values.get("services") or ()
    found = [
        f"{where}.services[{number}].command[0] = {show(service.command[0])}: is not a program"
        for number, service in enumerate(services)
        if service.command and service.command[0] is not None and service.command[0].rpartition("/")[2] == ""
    ]
    for name in ("name", "port"):
        counts = Counter(getattr(service, name) for service in services)
        found += [
            f"{where}.services: {count} services have {name} = {show(value)}; give each its own"
            for value, count in counts.items()
            if count > 1 and value is not None
        ]
    return found


def name_problems(where: str, values: Mapping[str, Any]) -> list[str]:
    """Problems of a name that comes from the key of a table."""
    try:
        check_name(values.get("name", "app"))
    except ValueError as error:
        return [f"{where}: {show(values['name'])} {error}"]
    return []


def shared_names(cascades: Iterable[Mapping[str, Any]]) -> list[str]:
    counts = Counter(values["name"] for values in cascades if "name" in values)
    return [
        f"name = {show(name)}: {count} images have this name; give each its own"
        for name, count in counts.items()
        if count > 1
    ]


def too_many(problems: Sequence[str], root: Path) -> ConfigError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    more = len(problems) - MOST_PROBLEMS
    return ConfigError(
        f"{count} in the configuration of {root / 'pyproject.toml'}:",
        "Correct the lines above and try again.",
        [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])],
    )


def build_image(root: Path, pyproject: Mapping[str, Any], values: dict[str, Any]) -> ImageConfig:
    if not is_installable(root, pyproject):
        values.setdefault("install", ())
        if not values["install"] and (root / "requirements.txt").is_file():
            values.setdefault("requirements", ("requirements.txt",))
    project = installed_project(root, values.get("install", (".",)))
    name = project_name(project)
    if "name" not in values:
        values["name"] = default_name(name or root.resolve().name, root)
    for table in fields(ImageConfig):
        default: Any = table.default
        if is_dataclass(default) and table.name in values:
            values[table.name] = replace(default, **values[table.name])  # type: ignore[type-var]
    return ImageConfig(root=root, project=project, project_name=name, **values)


def default_name(text: str, root: Path) -> str:
    """The image's name if none is configured."""
    name = default_image_name(text)
    try:
        return check_name(name)
    except ValueError as error:
        raise too_many([f"tool.{TABLE}.name: missing, and the project's name, {show(name)}, {error}"], root) from None


def installed_project(root: Path, install: Sequence[str]) -> Path:
    """The first folder among the installed requirements, or the root."""
    folders = (root / entry.partition("[")[0] for entry in install if is_path(entry))
    return next((folder.resolve() for folder in folders if (folder / "pyproject.toml").exists()), root)
