"""Reads and writes pystatic.lock: what each image of a project leaves out, and why it keeps the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import read_toml
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.names import is_kept
from pystatic_tasks.steps.results import Slimmed
from pystatic_tasks.system.files import write_whole

FILE = "pystatic.lock"
HEAD = """\
# What the images of this project leave out, and why they keep the rest. Written by "nox -s slim", read by every build.
# A name is a module, or a data folder if it ends in "/"; it stands for everything in it.
# Names that are in no list are newer, and are kept until slim runs again. To keep something for good, use slim.keep.
"""


def lock_path(config: ImageConfig) -> Path:
    return config.root / FILE


def read_lock(config: ImageConfig) -> Slimmed | None:
    """What the image leaves out; None if it is not recorded.

    Raises:
        ConfigError: the file is not in the form that slim writes.
    """
    table = read_tables(config).get(config.name)
    return None if table is None else parse(config, table)


def left_out(config: ImageConfig) -> tuple[str, ...]:
    """Names that the image leaves out, sorted: all recorded names except those that the configuration now keeps."""
    slim = read_lock(config)
    return tuple(sorted(name for name in slim.names_left_out if not is_kept(name, config.slim.keep))) if slim else ()


def read_tables(config: ImageConfig) -> Mapping[str, Any]:
    """The tables of all images."""
    path = lock_path(config)
    return read_toml(path) if path.exists() else {}


def parse(config: ImageConfig, table: Any) -> Slimmed:
    try:
        return Slimmed(
            python=checked(table["python"]),
            left_out={key: tuple(map(checked, names)) for key, names in table["left-out"].items()},
            kept={key: tuple(map(checked, names)) for key, names in table["kept"].items()},
        )
    except (LookupError, TypeError, AttributeError):
        raise ConfigError(
            f"The table of {config.name} in {lock_path(config)} is not in the form that slim writes.",
            "Run nox -s slim to write it again, or remove the table.",
        ) from None


def checked(name: Any) -> str:
    """A string; raises TypeError for anything else."""
    if not isinstance(name, str):
        raise TypeError
    return name


def write_lock(config: ImageConfig, slim: Slimmed) -> None:
    """Record what the image leaves out, and keep the tables of other images.

    Raises:
        ConfigError: the existing file is not valid TOML.
    """
    ours = {"python": slim.python, "left-out": slim.left_out, "kept": slim.kept}
    tables = {**read_tables(config), config.name: ours}
    write_whole(
        lock_path(config), "\n".join([HEAD, *(line for name in sorted(tables) for line in lines(name, tables[name]))])
    )


def lines(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{quoted(name)}]"
    yield f"python = {quoted(table['python'])}"
    yield ""
    for key in ("left-out", "kept"):
        yield f"[{quoted(name)}.{key}]"
        for of, names in table[key].items():
            yield from listed(of, names)
        yield ""


def listed(key: str, names: Iterable[str]) -> Iterator[str]:
    yield f"{quoted(key)} = ["
    yield from (f"    {quoted(name)}," for name in names)
    yield "]"


def quoted(text: str) -> str:
    """A string in TOML's syntax."""
    return json.dumps(text, ensure_ascii=False)
