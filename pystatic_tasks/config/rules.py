"""The rules that single values must pass.

A rule takes a value of the right type and returns the value to keep.
It raises ValueError whose text completes the sentence "KEY = VALUE: …".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

SIZE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_size(value: int | str) -> int:
    """Turn 9000000, "9MB" or "8.5 MiB" into bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(value).strip())
    if not match or match[2].upper() not in SIZE_UNITS:
        raise ValueError('is not a size; write a number and a unit, such as "9MB"')
    return int(float(match[1]) * SIZE_UNITS[match[2].upper()])


def check_optimize(value: int) -> int:
    if value not in (0, 1, 2):
        raise ValueError("must be 0, 1 or 2")
    return value


def check_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", value):
        raise ValueError("is not an image name; use lower-case letters, digits and single '-', '_' or '.' between them")
    return value


def check_app(value: str) -> str:
    module, colon, attribute = value.partition(":")
    if not colon or not all(part.isidentifier() for part in module.split(".")) or not attribute.strip():
        raise ValueError('is not a target; write "package.module:callable" or "package.module:factory()"')
    return value


def check_user(value: str) -> str:
    match = re.fullmatch(r"(\d+)(?::(\d+))?", value)
    if not match:
        raise ValueError('must be numbers, such as "65535:65535" (Kubernetes needs them to see that it is not root)')
    if int(match[1]) == 0:
        raise ValueError("is root; images are non-root")
    if any(int(part) > 2**32 - 2 for part in match.groups() if part):
        raise ValueError("is out of range; user and group numbers end at 4294967294")
    return f"{match[1]}:{match[2] or match[1]}"


def check_tag(value: str) -> str:
    repository, colon, tag = value.rpartition(":")
    if "/" in tag or not colon:
        repository, tag = (value, "latest") if "/" in value else ("", value)
    if not re.fullmatch(r"\w[\w.-]{0,127}", tag, re.ASCII) or repository != repository.lower():
        raise ValueError('is not a tag; write a tag such as "1.4" or a reference such as "registry.example/shop:1.4"')
    return f"{repository}:{tag}" if repository else tag


def check_port(value: int) -> int:
    if not 0 < value < 65536:
        raise ValueError("is not a port; ports go from 1 to 65535")
    return value


def check_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError('must begin with "/"')
    return value


def check_data(value: str) -> str:
    source, colon, folder = value.rpartition(":")
    if not colon or not source or not folder:
        raise ValueError('must be "SOURCE:FOLDER", such as "templates:templates"')
    if folder.startswith("/") or ".." in folder.split("/"):
        raise ValueError("must end in a folder inside the program, without a leading '/' or '..'")
    return value


def check_file(value: Mapping[str, str]) -> Mapping[str, str]:
    for target in value:
        if not target.startswith("/") or ".." in target.split("/") or target.endswith("/"):
            raise ValueError(f"{target!r} must be an absolute path of a file in the image, without '..'")
    return value


RULES: Mapping[str, Callable[[Any], Any]] = {
    "size": parse_size,
    "optimize": check_optimize,
    "name": check_name,
    "app": check_app,
    "user": check_user,
    "tag": check_tag,
    "port": check_port,
    "path": check_path,
    "data": check_data,
    "file": check_file,
}
