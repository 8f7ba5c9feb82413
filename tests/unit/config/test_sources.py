from __future__ import annotations

from typing import Any

import pytest
from support import must_be_one_of

from pystatic_tasks.config.model import ENGINE_NAMES
from pystatic_tasks.config.sources import (
    Source,
    from_text,
    misspelt_tables,
    read_environment,
    read_options,
    read_overrides,
    read_table,
)

KEYS = (
    "app, build, command, freeze, groups, image, install, layout, locked, max-compressed-size, max-size, name, "
    "observe, packer, python, requirements, script, server, services, slim, smoke, staticx"
)
VARIABLES = (
    "APP, BUILD_ARGUMENTS, BUILD_IMAGE, BUILD_PLACE, COMMAND, "
    "FREEZE_COLLECT, FREEZE_DATA, FREEZE_EXCLUDES, FREEZE_HIDDEN_IMPORTS, FREEZE_METADATA, "
    "FREEZE_OPTIMIZE, FREEZE_STRIP, GROUPS, IMAGE_CERTIFICATES, IMAGE_COMPRESSION, IMAGE_HEALTHCHECK, "
    "IMAGE_PORTS, IMAGE_TAGS, IMAGE_TIMEZONES, IMAGE_USER, IMAGE_VOLUMES, INSTALL, LAYOUT, LOCKED, "
    "MAX_COMPRESSED_SIZE, MAX_SIZE, NAME, OBSERVE_COMMAND, PACKER, PYTHON, REQUIREMENTS, SCRIPT, "
    "SLIM_KEEP, SLIM_TLS, SMOKE_COMMAND, "
    "SMOKE_ENGINE, SMOKE_EXIT_CODE, SMOKE_LONG_RUNNING, SMOKE_MEMORY, SMOKE_PORT, SMOKE_STDOUT, SMOKE_TIMEOUT, "
    "SMOKE_WRITABLE_TMP, STATICX_LIBRARIES, STATICX_STRIP"
)
NOT_A_NAME = "is not a valid image name; use lower-case letters, digits and single '-', '_' or '.' between them"
NOT_A_SIZE = 'is not a valid size; write a number and a unit, such as "9MB"'
NOT_A_TAG = 'is not a valid tag; use a tag such as "1.4" or a reference such as "registry.example/shop:1.4"'
NOT_A_TARGET = 'is not a valid target; write "package.module:callable" or "package.module:factory()"'


def variable(name: str, text: str) -> Source:
    [source] = read_environment({f"PYSTATIC_TASKS_{name}": text})
    return source


# Tables of pyproject.toml.


@pytest.mark.parametrize(("raw", "shown"), [(3, "3"), ([{}], "[{}]"), ("x", '"x"')])
def test_a_table_must_be_one(raw: object, shown: str) -> None:
    source = read_table("tool.pystatic-tasks.", raw)
    assert source == Source(values={}, problems=[f"tool.pystatic-tasks: must be a table, not {shown}"])


@pytest.mark.parametrize(
    "name",
    ["pystatic_tasks", "pystatic", "pystatictasks", "pystatic-task", "pystatic-taks", "Pystatic-Tasks"],
)
def test_a_misspelt_table_is_named(name: str) -> None:
    line = "is not read; did you mean [tool.pystatic-tasks]?"
    assert misspelt_tables({"tool": {name: {}, "pystatic-tasks": {}}}) == [f"[tool.{name}] {line}"]
    assert misspelt_tables({name: {}}) == [f"[{name}] {line}"]


def test_our_own_table_outside_of_tool_is_named() -> None:
    assert misspelt_tables({"tool": {}, "pystatic-tasks": {}}) == [
        "[pystatic-tasks] is not read; did you mean [tool.pystatic-tasks]?"
    ]


def test_tables_of_others_are_left_alone() -> None:
    tools: dict[str, Any] = {name: {} for name in ("pystatic-tasks", "pytest", "static", "poetry", "nox")}
    assert misspelt_tables({"tool": tools, "build-system": {}, "project": {}}) == []


# The arguments of register().


@pytest.mark.parametrize(
    ("overrides", "values"),
    [
        ({"max_size": "9MB"}, {"max_size": 9_000_000}),
        ({"max-size": 9_000_000}, {"max_size": 9_000_000}),
        (
            {"freeze": {"hidden_imports": ("shop.x",), "data": ["a:b"]}},
            {"freeze": {"hidden_imports": ("shop.x",), "data": ("a:b",)}},
        ),
    ],
)
def test_overrides_may_be_spelt_as_in_python_or_as_in_toml(overrides: dict[str, Any], values: dict[str, Any]) -> None:
    assert read_overrides(overrides) == Source(values=values, problems=[])


@pytest.mark.parametrize(
    "overrides",
    [
        {"server": {"worker_class": "gthread"}},
        {"image": {"env": {"MY_VAR": "1"}, "labels": {"my_label": "x"}, "files": {"/etc/my_file": "x"}}},
    ],
)
def test_names_of_others_keep_their_underscores(overrides: dict[str, Any]) -> None:
    assert read_overrides(overrides) == Source(values=overrides, problems=[])


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"max_siz": 3}, 'max-siz: unknown key; did you mean "max-size"?'),
        ({"tags": ["x"]}, f"tags: unknown key; available: {KEYS}"),
        ({"project_name": "x"}, f"project-name: unknown key; available: {KEYS}"),
        ({"images": {"web": {}}}, 'images: unknown key; did you mean "image"?'),
        ({"freeze": {"hidden_import": []}}, 'freeze.hidden-import: unknown key; did you mean "hidden-imports"?'),
        ({"freeze": None}, "freeze = None: must be a table"),
        ({"max_size": "big"}, f'max-size = "big": {NOT_A_SIZE}'),
        ({"install": "."}, 'install = ".": must be a list'),
        (
            {"image": {"user": "0"}, "app": "other:app"},
            'image.user = "0": is root, which is not allowed; choose another user',
        ),
    ],
)
def test_a_wrong_override_names_the_call(overrides: dict[str, Any], line: str) -> None:
    assert read_overrides(overrides).problems == [f"register(): {line}"]


# What stood after `--`.


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"image": {"tags": ["a b"]}}, f'--tag = "a b": {NOT_A_TAG}'),
        ({"layout": "flat"}, '--layout = "flat": must be one of "onefile", "tree"'),
        ({"smoke": {"engine": "kvm"}}, f'--engine = "kvm": {must_be_one_of(["auto", *ENGINE_NAMES])}'),
    ],
)
def test_a_wrong_option_is_called_as_it_was_typed(options: dict[str, object], line: str) -> None:
    assert read_options(options).problems == [line]


# PYSTATIC_TASKS_*


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("APP", "other:app", {"app": "other:app"}),
        ("NAME", "other", {"name": "other"}),
        ("MAX_SIZE", "9MB", {"max_size": 9_000_000}),
        ("MAX_SIZE", "9000", {"max_size": 9000}),
        ("MAX_COMPRESSED_SIZE", "4MB", {"max_compressed_size": 4_000_000}),
        ("LAYOUT", "tree", {"layout": "tree"}),
        ("IMAGE_COMPRESSION", "zstd", {"image": {"compression": "zstd"}}),
        ("INSTALL", "., ./backend,", {"install": (".", "./backend")}),
        ("GROUPS", "", {"groups": ()}),
        ("FREEZE_HIDDEN_IMPORTS", "shop.a,shop.b", {"freeze": {"hidden_imports": ("shop.a", "shop.b")}}),
        ("FREEZE_OPTIMIZE", "1", {"freeze": {"optimize": 1}}),
        ("FREEZE_STRIP", "0", {"freeze": {"strip": False}}),
        ("FREEZE_STRIP", "No", {"freeze": {"strip": False}}),
        ("FREEZE_STRIP", "FALSE", {"freeze": {"strip": False}}),
        ("IMAGE_CERTIFICATES", "1", {"image": {"certificates": True}}),
        ("IMAGE_CERTIFICATES", "yes", {"image": {"certificates": True}}),
        ("IMAGE_CERTIFICATES", "True", {"image": {"certificates": True}}),
        ("IMAGE_PORTS", "80,443", {"image": {"ports": (80, 443)}}),
        ("IMAGE_USER", "1000", {"image": {"user": "1000:1000"}}),
        ("SMOKE_ENGINE", "podman", {"smoke": {"engine": "podman"}}),
        ("SMOKE_TIMEOUT", "1.5", {"smoke": {"timeout": 1.5}}),
        ("SMOKE_STDOUT", "42", {"smoke": {"stdout": "42"}}),
    ],
)
def test_a_variable_sets_the_key_of_its_name(name: str, text: str, values: dict[str, Any]) -> None:
    source = variable(name, text)
    # As written, for 1 and 1.0 equal True.
    assert (repr(source.values), source.problems) == (repr(values), [])


def test_other_variables_are_not_read() -> None:
    names = ("PYSTATIC_APP", "APP", "XPYSTATIC_TASKS_APP", "pystatic_tasks_app")
    assert read_environment(dict.fromkeys(names, "x")) == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MAXSIZE", "MAX_SIZE"),
        ("SMOKE_ENGIN", "SMOKE_ENGINE"),
        ("HIDDEN_IMPORTS", "FREEZE_HIDDEN_IMPORTS"),
        ("app", "APP"),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest(name: str, nearest: str) -> None:
    line = f'PYSTATIC_TASKS_{name}: unknown variable; did you mean "PYSTATIC_TASKS_{nearest}"?'
    assert variable(name, "x") == Source(values={}, problems=[line])


@pytest.mark.parametrize("name", ["XYZZY", ""])
def test_a_variable_near_to_none_is_named_with_all(name: str) -> None:
    assert variable(name, "1").problems == [f"PYSTATIC_TASKS_{name}: unknown variable; available: {VARIABLES}"]


@pytest.mark.parametrize(
    "name", ["SERVER", "SERVER_WORKERS", "IMAGE_ENV", "SMOKE_REQUESTS", "SERVICES", "ROOT", "IMAGES"]
)
def test_what_one_line_of_text_cannot_carry_has_no_variable(name: str) -> None:
    [problem] = variable(name, "x").problems
    assert problem.startswith(f"PYSTATIC_TASKS_{name}: unknown variable; ")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("APP", "", f' = "": {NOT_A_TARGET}'),
        ("NAME", "Shop", f' = "Shop": {NOT_A_NAME}'),
        ("MAX_SIZE", "huge", f' = "huge": {NOT_A_SIZE}'),
        ("LAYOUT", "flat", ' = "flat": must be one of "onefile", "tree"'),
        ("FREEZE_OPTIMIZE", "9", " = 9: must be 0, 1 or 2"),
        ("FREEZE_STRIP", "maybe", ' = "maybe": must be true or false'),
        ("FREEZE_STRIP", "", ' = "": must be true or false'),
        ("IMAGE_USER", "0", ' = "0": is root, which is not allowed; choose another user'),
        ("IMAGE_PORTS", "80,x", '[1] = "x": must be a whole number'),
        ("IMAGE_PORTS", "0", "[0] = 0: is not a valid port; ports range from 1 to 65535"),
        ("IMAGE_COMPRESSION", "xz", ' = "xz": must be one of "gzip", "zstd"'),
        ("IMAGE_TAGS", "1, a b", f'[1] = "a b": {NOT_A_TAG}'),
        ("IMAGE_HEALTHCHECK", "health", ' = "health": must begin with "/"'),
        ("SMOKE_TIMEOUT", "soon", ' = "soon": must be a number'),
        ("SMOKE_ENGINE", "kvm", f' = "kvm": {must_be_one_of(["auto", *ENGINE_NAMES])}'),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, text: str, line: str) -> None:
    assert variable(name, text).problems == [f"PYSTATIC_TASKS_{name}{line}"]


@pytest.mark.parametrize("text", ["1.7", "two", "1e3", "٣", ""])
def test_what_is_no_whole_number_stays_text_and_is_refused(text: str) -> None:
    assert variable("FREEZE_OPTIMIZE", text).problems == [
        f'PYSTATIC_TASKS_FREEZE_OPTIMIZE = "{text}": must be a whole number'
    ]


def test_a_large_number_keeps_all_its_digits() -> None:
    assert from_text("12345678901234567890", int) == 12345678901234567890


def test_every_variable_is_read_in_order_of_its_name() -> None:
    environment = {"PYSTATIC_TASKS_NAME": "X", "PYSTATIC_TASKS_IMAGE_USER": "0", "PYSTATIC_TASKS_APPP": "x"}
    assert [line for source in read_environment(environment) for line in source.problems] == [
        'PYSTATIC_TASKS_APPP: unknown variable; did you mean "PYSTATIC_TASKS_APP"?',
        'PYSTATIC_TASKS_IMAGE_USER = "0": is root, which is not allowed; choose another user',
        f'PYSTATIC_TASKS_NAME = "X": {NOT_A_NAME}',
    ]
