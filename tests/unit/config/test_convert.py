from __future__ import annotations

from dataclasses import fields
from typing import Any

import jsonschema
import pytest
from support import must_be_one_of

from pystatic_tasks.config import ImageConfig, Request
from pystatic_tasks.config.convert import Problems, convert_table, kebab, keys, nearest, show, strip_none
from pystatic_tasks.config.model import ENGINE_NAMES, SERVER_KINDS, Freeze, ImageOptions, Service, Smoke
from pystatic_tasks.config.schema import table_schema

CACHE = {"name": "cache", "command": ["redis-server"], "port": 6379}


def convert(cls: type, raw: Any) -> tuple[dict[str, Any], list[str]]:
    """The values and what is wrong; where that is nothing, the schema must find nothing either."""
    problems = Problems("")
    values = convert_table(cls, raw, "", problems)
    if not problems.lines:
        jsonschema.Draft7Validator(table_schema(cls)).validate(raw)
    return values, problems.lines


def test_keys_are_the_fields_in_kebab_case() -> None:
    assert list(keys(Freeze)) == [kebab(each.name) for each in fields(Freeze)]
    assert keys(Freeze)["hidden-imports"].name == "hidden_imports"


def test_what_the_loader_finds_out_itself_is_no_key() -> None:
    assert not {"root", "project", "project-name"} & set(keys(ImageConfig))


def test_lists_become_tuples_and_whole_numbers_become_numbers() -> None:
    values, problems = convert(Smoke, {"command": ["--version"], "timeout": 5, "memory": "1kB"})
    assert values == {"command": ("--version",), "timeout": 5.0, "memory": 1000}
    assert isinstance(values["timeout"], float)
    assert problems == []


def test_only_given_keys_are_in_the_result() -> None:
    assert convert(Freeze, {}) == ({}, [])


def test_nested_tables_become_nested_values() -> None:
    values, problems = convert(ImageConfig, {"freeze": {"optimize": 1}, "server": {"workers": 4}})
    assert values == {"freeze": {"optimize": 1}, "server": {"workers": 4}}
    assert problems == []


def test_requests_become_dataclasses_with_their_defaults() -> None:
    values, problems = convert(Smoke, {"requests": [{"path": "/health", "json": {"status": "ok"}}, {}]})
    assert values == {"requests": (Request(path="/health", json={"status": "ok"}), Request())}
    assert problems == []


def test_services_become_dataclasses_with_their_defaults() -> None:
    values, problems = convert(ImageConfig, {"services": [CACHE]})
    assert values == {"services": (Service(name="cache", command=("redis-server",), port=6379, timeout=60.0),)}
    assert problems == []


@pytest.mark.parametrize("name", ["name", "command", "port"])
def test_a_service_without_what_it_needs_is_told(name: str) -> None:
    raw = {key: value for key, value in CACHE.items() if key != name}
    _, problems = convert(ImageConfig, {"services": [raw]})
    assert problems == [f"services[0].{name}: missing; required: name, command, port"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("command", [], "command = []: must have at least one item"),
        ("command", "redis-server", 'command = "redis-server": must be a list'),
        ("port", "6379", 'port = "6379": must be a whole number'),
        ("ready", 3, "ready: unknown key; available: command, name, port, timeout"),
    ],
)
def test_a_service_with_something_wrong_is_told(key: str, value: object, problem: str) -> None:
    assert convert(Service, {**CACHE, key: value})[1] == [problem]


def test_an_optional_list_is_converted_like_any_other() -> None:
    assert convert(ImageOptions, {"ports": [80, 443]}) == ({"ports": (80, 443)}, [])
    assert convert(ImageOptions, {"ports": []}) == ({"ports": ()}, [])


@pytest.mark.parametrize(
    ("cls", "raw", "problem"),
    [
        (ImageConfig, {"app": 3}, "app = 3: must be a string"),
        (ImageConfig, {"app": None}, "app = None: must be a string"),
        (ImageConfig, {"script": True}, "script = true: must be a string"),
        (ImageConfig, {"max-size": 8.5}, "max-size = 8.5: must be a whole number"),
        (ImageConfig, {"max-size": True}, "max-size = true: must be a whole number"),
        (ImageConfig, {"max-size": ["9MB"]}, "max-size = ['9MB']: must be a whole number"),
        (ImageConfig, {"layout": "flat"}, 'layout = "flat": must be one of "onefile", "tree"'),
        (ImageConfig, {"layout": []}, 'layout = []: must be one of "onefile", "tree"'),
        (ImageConfig, {"install": "."}, 'install = ".": must be a list'),
        (ImageConfig, {"install": {"a": "b"}}, "install = {'a': 'b'}: must be a list"),
        (ImageConfig, {"install": [".", 3]}, "install[1] = 3: must be a string"),
        (ImageConfig, {"server": 3}, "server = 3: must be a table"),
        (ImageConfig, {"server": []}, "server = []: must be a table"),
        (ImageConfig, {"server": {"kind": "x"}}, 'server.kind = "x": must be one of "gunicorn", "uvicorn"'),
        (ImageConfig, {"server": {"kind": 3}}, f"server.kind = 3: {must_be_one_of(SERVER_KINDS)}"),
        (ImageConfig, {"freeze": 3}, "freeze = 3: must be a table"),
        (ImageConfig, {"smoke": {"requests": [3]}}, "smoke.requests[0] = 3: must be a table"),
        (Freeze, {"strip": 1}, "strip = 1: must be true or false"),
        (Freeze, {"strip": "yes"}, 'strip = "yes": must be true or false'),
        (Freeze, {"optimize": "2"}, 'optimize = "2": must be a whole number'),
        (Freeze, {"optimize": False}, "optimize = false: must be a whole number"),
        (ImageOptions, {"compression": "xz"}, 'compression = "xz": must be one of "gzip", "zstd"'),
        (ImageOptions, {"env": 3}, "env = 3: must be a table of strings"),
        (ImageOptions, {"env": ["A"]}, "env = ['A']: must be a table of strings"),
        (ImageOptions, {"tags": []}, "tags = []: must have at least one item"),
        (ImageOptions, {"ports": 80}, "ports = 80: must be a list"),
        (ImageOptions, {"ports": [80, "x"]}, 'ports[1] = "x": must be a whole number'),
        (ImageOptions, {"ports": [True]}, "ports[0] = true: must be a whole number"),
        (Smoke, {"timeout": "30"}, 'timeout = "30": must be a number'),
        (Smoke, {"timeout": True}, "timeout = true: must be a number"),
        (Smoke, {"engine": "dockr"}, f'engine = "dockr": {must_be_one_of(["auto", *ENGINE_NAMES])}'),
        (ImageConfig, {"services": {}}, "services = {}: must be a list"),
        (ImageConfig, {"services": [3]}, "services[0] = 3: must be a table"),
        (Request, {"status": "200"}, 'status = "200": must be a whole number'),
    ],
)
def test_a_wrong_type_is_refused_with_the_right_one(cls: type, raw: dict[str, Any], problem: str) -> None:
    values, problems = convert(cls, raw)
    assert problems == [problem]
    assert not any(values.values())


@pytest.mark.parametrize("value", [{"A": 3}, {"A": ["x"]}, {"A": "x", "B": None}])
def test_a_table_of_texts_holds_nothing_else(value: dict[str, Any]) -> None:
    values, problems = convert(ImageOptions, {"labels": value})
    assert values == {}
    assert len(problems) == 1
    assert problems[0].startswith("labels")


def test_json_of_a_request_may_be_anything() -> None:
    for value in (None, 3, "x", [1], {"a": {"b": None}}):
        assert convert(Request, {"json": value}) == ({"json": value}, [])


def test_a_right_key_is_kept_beside_a_wrong_one() -> None:
    values, problems = convert(Freeze, {"strip": False, "optimize": 7, "excludes": ["tkinter"]})
    assert values == {"strip": False, "excludes": ("tkinter",)}
    assert problems == ["optimize = 7: must be 0, 1 or 2"]


def test_every_item_of_a_list_is_reported() -> None:
    _, problems = convert(ImageOptions, {"ports": [0, 80, "x", 70000]})
    assert problems == [
        "ports[0] = 0: is not a valid port; ports range from 1 to 65535",
        'ports[2] = "x": must be a whole number',
        "ports[3] = 70000: is not a valid port; ports range from 1 to 65535",
    ]


def test_the_prefix_says_where_a_problem_is() -> None:
    problems = Problems("register(): ")
    convert_table(ImageConfig, {"freeze": {"optimize": 3}}, "", problems)
    assert problems.lines == ["register(): freeze.optimize = 3: must be 0, 1 or 2"]


def test_the_nearest_word_is_offered() -> None:
    assert nearest("exclude", ["data", "excludes", "strip"]) == 'did you mean "excludes"?'


def test_without_a_near_word_all_are_listed_in_order() -> None:
    assert nearest("zzz", ["strip", "data"]) == "available: data, strip"


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "true"), (False, "false"), ("x", '"x"'), (3, "3"), (2.5, "2.5"), ([], "[]")]
)
def test_values_are_shown_as_in_toml(value: object, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize("text", ["https://me:{}@example.org/simple", "x --index https://{}@example.org/simple y"])
def test_credentials_in_urls_are_not_shown_however_long(text: str) -> None:
    url = text.format("secret" * 100)
    assert "secret" not in show(url)
    assert "secret" not in show([url])


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("me:secret@registry.example/shop", "***@registry.example/shop"),
        ("me:secret@registry.example:5000/shop:1", "***@registry.example:5000/shop:1"),
        ("me:se/c@re\nt@registry.example/shop@sha256:0123", "***@registry.example/shop@sha256:0123"),
        ("secret" * 100 + "@registry.example/shop", "***@registry.example/shop"),
        ("registry.example:5000/shop@sha256:0123", "registry.example:5000/shop@sha256:0123"),
    ],
)
def test_credentials_before_the_host_of_a_tag_are_not_shown(tag: str, shown: str) -> None:
    _, [problem] = convert(ImageOptions, {"tags": [tag]})
    assert problem.startswith(f'tags[0] = "{shown}": is not a valid tag; ')


def test_an_optional_type_is_its_type() -> None:
    assert strip_none(str | None) is str
    assert strip_none(int) is int
