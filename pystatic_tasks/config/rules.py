"""The rules that single values must pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

from pystatic_tasks.system.files import LONGEST_NAME, LONGEST_PATH
from pystatic_tasks.system.redaction import HIDDEN
from pystatic_tasks.system.texts import quoted

SIZE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

NOT_A_TAG = 'is not a valid tag; use a tag such as "1.4" or a reference such as "registry.example/shop:1.4"'
CAPITALS = "has capital letters in the repository's name, which engines and registries reject; use lower-case letters"

LARGEST_ID = 2**32 - 2
LARGEST_SIZE = 10**15
LARGEST_SECONDS = 24 * 60 * 60
LONGEST_NUMBER = 40
# Much less than engines and file systems allow.
LONGEST_IMAGE_NAME = 128
# Characters that a line of a Dockerfile cannot contain, and that confuse terminals.
CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f-\x9f]")
# The endings of files that the steps write beside the program.
FILE_ENDS = (".tar", ".json")
# Beside the folders of the images lie the folder of Nox's environments and the page of all images; each
# image's folder may contain one for platforms.
FOLDERS = ("environments", "index.html", "linux")
NAME = "[a-z0-9]+(?:[._-][a-z0-9]+)*"
# By the grammar of https://github.com/distribution/reference, without IPv6 addresses as hosts, such as "[::1]:5000":
# older engines (Docker 20.10, Podman 4.3) reject them, and in YAML a list would begin with them.
TAG = r"\w[\w.-]{0,127}"
COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
PORT = ":[0-9]+"
# Otherwise it is the first part of a repository's name.
HOST = rf"(?:{LABEL}(?:\.{LABEL})+(?:{PORT})?|{LABEL}{PORT}|localhost)"
REPOSITORY = rf"(?P<name>(?:(?P<host>{HOST})/)?{COMPONENT}(?:/{COMPONENT})*)"
REFERENCE = rf"{REPOSITORY}(?::{TAG})?"
# The credentials before a reference's host; the "@" of a digest comes after the repository.
CREDENTIALS = re.compile(r".*@(?!sha\d+:)", re.DOTALL)
LONGEST_REPOSITORY = 255
LONGEST_REFERENCE = LONGEST_REPOSITORY + 1 + 128
# Docker's prefixes for a name without a host, or without a first part.
DOCKER_HUB = "docker.io"
OFFICIAL = "library/"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for single values.

    Attributes:
        check: Takes a value of the right type, and returns the value to keep.
            Its ValueError has a text that completes the sentence "KEY = VALUE: …".
        schema: What a JSON schema can express of it, beside the type: it never rejects a value that the rule accepts.
        shown: What of a refused value may be shown.
        needs_items: Whether lists of such values must not be empty.
    """

    check: Callable[[Any], Any] = lambda value: value
    schema: Mapping[str, Any] = field(default_factory=dict)
    shown: Callable[[Any], Any] = lambda value: value
    needs_items: bool = False


def parse_size(value: int | str) -> int:
    """Convert 9000000, "9MB" or "8.5 MiB" into bytes."""
    match = re.fullmatch(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([A-Za-z]*)", str(value).strip())
    size = round(float(match[1]) * SIZE_UNITS.get(match[2].upper(), 0)) if match else 0
    if size <= 0:
        raise ValueError('is not a valid size; write a number and a unit, such as "9MB"')
    if size > LARGEST_SIZE:
        raise ValueError("is too large; the maximum is 1000000GB")
    return size


def check_optimize(value: int) -> int:
    if value not in (0, 1, 2):
        raise ValueError("must be 0, 1 or 2")
    return value


def check_name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            "is not a valid image name; use lower-case letters, digits and single '-', '_' or '.' between them"
        )
    check_length(value)
    if value.endswith(FILE_ENDS) or value in FOLDERS:
        raise ValueError("is reserved for something beside the program, such as image.tar; choose another name")
    return value


def check_length(name: str) -> None:
    """Raises ValueError if a name is too long for files and registries."""
    if len(name) > LONGEST_IMAGE_NAME:
        raise ValueError(f"is too long; names have at most {LONGEST_IMAGE_NAME} characters")


def check_service(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            "is not a valid service name; use lower-case letters, digits and single '-', '_' or '.' between them"
        )
    check_length(value)
    return value


def check_word(value: str) -> str:
    if "\0" in value:
        raise ValueError("has a NUL character, which an argument cannot contain")
    return value


def check_app(value: str) -> str:
    module, colon, attribute = value.partition(":")
    names = module.split(".")
    if not colon or not attribute.strip() or not all(each.isidentifier() and not iskeyword(each) for each in names):
        raise ValueError('is not a valid target; write "package.module:callable" or "package.module:factory()"')
    return value


def check_user(value: str) -> str:
    match = re.fullmatch(rf"([0-9]{{1,{LONGEST_NUMBER}}})(?::([0-9]{{1,{LONGEST_NUMBER}}}))?", value)
    if not match:
        raise ValueError('must be numeric, such as "65535:65535", so that Kubernetes can tell that it is not root')
    uid, gid = int(match[1]), int(match[2] or match[1])
    if uid == 0:
        raise ValueError("is root, which is not allowed; choose another user")
    if max(uid, gid) > LARGEST_ID:
        raise ValueError(f"is out of range; the largest user or group number is {LARGEST_ID}")
    return f"{uid}:{gid}"


def check_tag(value: str) -> str:
    if "/" not in value and ":" not in value:
        if not re.fullmatch(TAG, value, re.ASCII):
            raise ValueError(NOT_A_TAG)
        return value
    if len(value) > LONGEST_REFERENCE:
        raise ValueError(NOT_A_TAG)
    found = re.fullmatch(REFERENCE, value, re.ASCII)
    if not found:
        has_capitals = re.fullmatch(REFERENCE, value, re.ASCII | re.IGNORECASE)
        raise ValueError(CAPITALS if has_capitals else NOT_A_TAG)
    if len(whole_name(found["host"] or "", found["name"])) > LONGEST_REPOSITORY:
        raise ValueError(NOT_A_TAG)
    return value if ":" in value.rpartition("/")[2] else f"{value}:latest"


def without_credentials(tag: str) -> str:
    return CREDENTIALS.sub(HIDDEN, tag)


def whole_name(host: str, name: str) -> str:
    """A repository's full name in Docker, whose length is limited."""
    path = name.removeprefix(f"{host}/") if host else name
    official = OFFICIAL if (host or DOCKER_HUB) == DOCKER_HUB and "/" not in path else ""
    return f"{host or DOCKER_HUB}/{official}{path}"


def check_port(value: int) -> int:
    if not 0 < value < 65536:
        raise ValueError("is not a valid port; ports range from 1 to 65535")
    return value


def check_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError('must begin with "/"')
    if not re.fullmatch("[!-~]+", value):
        raise ValueError('must not contain spaces or non-ASCII characters; write "%20" for a space')
    return value


def check_status(value: int) -> int:
    if not 100 <= value <= 599:
        raise ValueError("is not a valid HTTP status; use a number from 100 to 599")
    return value


def check_seconds(value: float) -> float:
    if not 0 < value <= LARGEST_SECONDS:
        raise ValueError(f"must be a number of seconds above 0 and at most {LARGEST_SECONDS}")
    return float(value)


def check_env(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not name or "=" in name or "\0" in name:
            raise ValueError(f"{quoted(name)} is not a valid variable name")
        if "\0" in text:
            raise ValueError(f"{quoted(name)} has a value with a NUL character, which a variable cannot contain")
    return value


def check_image_env(value: Mapping[str, str]) -> Mapping[str, str]:
    check_env(value)
    for name, text in value.items():
        if re.search(r"[\s\"'\\$]", name) or CONTROL.search(name):
            raise ValueError(f"{quoted(name)} is not a valid variable name")
        check_one_line(name, text)
    return value


def check_one_line(name: str, text: str) -> None:
    """Raises ValueError if the value does not fit into a line of a Dockerfile."""
    if CONTROL.search(text):
        raise ValueError(
            f"{quoted(name)} has a value with a line break or control character, which a Dockerfile cannot contain"
        )


def check_labels(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not name or CONTROL.search(name):
            raise ValueError(f"{quoted(name)} is not a valid label name")
        check_one_line(name, text)
    return value


def check_headers(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not re.fullmatch(r"[!-9;-~]+", name) or not re.fullmatch(r"[\t -~\xa0-\xff]*", text):
            raise ValueError(f"{quoted(name)} is not a valid HTTP header")
    return value


def check_json(value: Any) -> Any:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise ValueError("must contain only strings, numbers, booleans, lists and tables") from None
    return value


def check_server(value: Any) -> Any:
    if "\0" in str(value.get("config", "") if isinstance(value, Mapping) else ""):
        raise ValueError("config is not a valid path; it has a NUL character")
    return check_json(value)


def check_data(value: str) -> str:
    source, colon, folder = value.rpartition(":")
    if not colon or not source or not folder:
        raise ValueError('must be "SOURCE:FOLDER", such as "templates:templates"')
    if folder.startswith("/") or ".." in folder.split("/"):
        raise ValueError("must end in a folder inside the program, without a leading '/' or '..'")
    check_source(source)
    check_source(folder)
    return value


def check_source(value: str) -> str:
    names = [name.encode() for name in value.split("/")]
    if CONTROL.search(value) or len(value.encode()) > LONGEST_PATH or max(map(len, names)) > LONGEST_NAME:
        raise ValueError("is not a valid path; it is too long or has a control character")
    return value


def check_kept(value: str) -> str:
    if not value or value.startswith("/") or CONTROL.search(value) or re.search(r"\[[^\]]*$", value):
        raise ValueError(
            'is not a valid name; write a module, a folder such as "shop/texts/", or a pattern such as "email.*"'
        )
    return value


def check_interpreter(value: str) -> str:
    if "://" in value:
        raise ValueError('is not an interpreter; name one as Nox does, such as "3.13", or by its path')
    return check_source(value)


def check_requirement(value: str) -> str:
    if CONTROL.search(value) or len(value) > LONGEST_PATH:
        raise ValueError("is not a valid requirement; it is too long or has a control character")
    return value


def check_method(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}", value):
        raise ValueError('is not a valid HTTP method; use one such as "POST"')
    return value


def check_folder(value: str) -> str:
    if not value.startswith("/") or not {"", ".", ".."}.isdisjoint(value.split("/")[1:]):
        raise ValueError('must be the absolute path of a folder in the image, such as "/data"')
    return check_source(value)


def check_exit_code(value: int) -> int:
    if not 0 <= value <= 255:
        raise ValueError("is not a valid exit code; use a number from 0 to 255")
    return value


def check_file(value: Mapping[str, str]) -> Mapping[str, str]:
    for target, source in value.items():
        if not target.startswith("/") or not {"", ".", ".."}.isdisjoint(target.split("/")[1:]):
            raise ValueError(f"{quoted(target)} must be the absolute path of a file in the image, without '..'")
        if not source:
            raise ValueError(f"{quoted(target)} has no source")
        check_source(target)
        check_source(source)
    return value


# An absolute path in the image.
IN_IMAGE = "^(/[^/]+)+$"
RULES: Mapping[str, Rule] = {
    "": Rule(),
    "size": Rule(check=parse_size, schema={"pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(([KkMmGg][Ii]?)?[Bb])?\s*$"}),
    "optimize": Rule(check=check_optimize, schema={"minimum": 0, "maximum": 2}),
    "name": Rule(check=check_name, schema={"pattern": f"^{NAME}$"}),
    "service": Rule(check=check_service, schema={"pattern": f"^{NAME}$"}),
    "word": Rule(check=check_word, needs_items=True),
    "app": Rule(check=check_app, schema={"pattern": r"^[^\s:.]+(\.[^\s:.]+)*:\s*\S"}),
    "user": Rule(check=check_user, schema={"pattern": "^0*[1-9][0-9]*(:[0-9]+)?$"}),
    "tag": Rule(
        check=check_tag,
        schema={"pattern": "^[a-zA-Z0-9_][a-zA-Z0-9_./:-]*$"},
        shown=without_credentials,
        needs_items=True,
    ),
    "port": Rule(check=check_port, schema={"minimum": 1, "maximum": 65535}),
    "path": Rule(check=check_path, schema={"pattern": "^/[!-~]*$"}),
    "data": Rule(check=check_data, schema={"pattern": r"[\s\S]:[^/:][^:]*$"}),
    "file": Rule(
        check=check_file,
        schema={"propertyNames": {"pattern": IN_IMAGE}, "additionalProperties": {"type": "string", "minLength": 1}},
    ),
    "folder": Rule(check=check_folder, schema={"pattern": IN_IMAGE}),
    "exit code": Rule(check=check_exit_code, schema={"minimum": 0, "maximum": 255}),
    "status": Rule(check=check_status, schema={"minimum": 100, "maximum": 599}),
    "seconds": Rule(check=check_seconds, schema={"exclusiveMinimum": 0, "maximum": LARGEST_SECONDS}),
    "env": Rule(check=check_env, schema={"propertyNames": {"pattern": "^[^=]+$"}}),
    "headers": Rule(
        check=check_headers,
        schema={
            "propertyNames": {"pattern": "^[!-9;-~]+$"},
            "additionalProperties": {"type": "string", "pattern": r"^[\t -~\xa0-\xff]*$"},
        },
    ),
    "json": Rule(check=check_json, schema={"additionalProperties": True}),
    "server": Rule(check=check_server, schema={"additionalProperties": True}),
    "argument": Rule(check=check_word),
    "source": Rule(check=check_source, schema={"maxLength": LONGEST_PATH}),
    "kept": Rule(check=check_kept, schema={"pattern": "^[^/]"}),
    "interpreter": Rule(check=check_interpreter, schema={"maxLength": LONGEST_PATH}),
    "requirement": Rule(check=check_requirement, schema={"maxLength": LONGEST_PATH}),
    "method": Rule(check=check_method, schema={"pattern": "^[!-~]{1,40}$"}),
    "image env": Rule(check=check_image_env, schema={"propertyNames": {"pattern": "^[^=\\s]+$"}}),
    "labels": Rule(check=check_labels, schema={"propertyNames": {"minLength": 1}}),
}
