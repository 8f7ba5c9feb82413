from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from support import REPOSITORY, validate
from validate_pyproject.api import Validator
from validate_pyproject.errors import ValidationError
from validate_pyproject.plugins import PluginWrapper
from validate_pyproject.types import Plugin

from pystatic_tasks.config.convert import Problems, convert_table, keys
from pystatic_tasks.config.load import TARGETS
from pystatic_tasks.config.model import SERVER_KINDS, ImageConfig, ImageOptions, Request, Smoke
from pystatic_tasks.config.project import TABLE, read_pyproject
from pystatic_tasks.config.schema import (
    config_schema,
    default_of,
    for_validate_pyproject,
    key_schema,
    plain,
    pyproject_schema,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = config_schema()
PROJECTS = [REPOSITORY, *sorted(path.parent for path in (REPOSITORY / "tests" / "projects").glob("*/pyproject.toml"))]


def refused(text: str) -> list[str]:
    """The places in a table that the schema refuses, each with why."""
    errors = jsonschema.Draft7Validator(SCHEMA).iter_errors(tomllib.loads(text))
    return sorted(f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors)


def described(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key in the schema of a table, with its own schema."""
    for name, each in schema.get("properties", {}).items():
        yield f"{path}{name}", each
        yield from described(each, f"{path}{name}.")
        yield from described(each.get("items", {}), f"{path}{name}.")


EVERY_KEY = [schema for _, schema in described({"properties": SCHEMA["definitions"]}, "")]


@pytest.mark.parametrize("schema", [SCHEMA, pyproject_schema()])
def test_it_is_a_schema_of_draft_7(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)


def test_it_says_who_it_is() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"] == "https://json.schemastore.org/partial-pystatic-tasks.json"
    assert SCHEMA["title"] == "[tool.pystatic-tasks]"


def test_every_key_is_in_it_and_nothing_else() -> None:
    assert set(SCHEMA["properties"]) == {*keys(ImageConfig), "images"}
    assert set(SCHEMA["definitions"]["smoke"]["properties"]) == set(keys(Smoke))
    assert set(SCHEMA["definitions"]["smoke"]["properties"]["requests"]["items"]["properties"]) == set(keys(Request))
    assert SCHEMA["additionalProperties"] is False


def test_every_key_is_described_in_plain_text() -> None:
    descriptions = [schema["description"] for schema in EVERY_KEY]
    assert [each for each in descriptions if not each.endswith(".") or "`" in each or "](" in each] == []


def test_every_default_is_right_by_its_own_schema() -> None:
    for schema in EVERY_KEY:
        if "default" in schema:
            jsonschema.Draft7Validator(schema).validate(schema["default"])


@pytest.mark.parametrize(("cls", "name"), [(Smoke, "memory"), (Smoke, "requests")])
def test_a_default_in_words_of_toml_is_the_default(cls: type, name: str) -> None:
    field = keys(cls)[name]
    raw = tomllib.loads(f"{name} = {field.metadata['unless'].strip('`')}")
    assert convert_table(cls, raw, "", Problems("")) == {field.name: field.default}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        (
            "ports",
            {
                "description": "Ports to expose. Default: those that the server listens on.",
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 65535},
            },
        ),
        (
            "labels",
            {
                "description": "Labels, added to those from pyproject.toml and git.",
                "type": "object",
                "additionalProperties": {"type": "string"},
                "propertyNames": {"minLength": 1},
                "default": {},
            },
        ),
        (
            "compression",
            {
                "description": 'How layers are compressed: "gzip", or "zstd" for tools that read it.',
                "type": "string",
                "enum": ["gzip", "zstd"],
                "default": "gzip",
            },
        ),
    ],
)
def test_a_key_is_described_with_its_type_its_rule_and_its_default(name: str, schema: dict[str, Any]) -> None:
    assert SCHEMA["definitions"]["image"]["properties"][name] == schema


def test_what_is_empty_without_a_key_is_its_default_too() -> None:
    assert [default_of(keys(ImageOptions)[name]) for name in ("env", "volumes", "ports")] == [{}, [], None]
    assert "default" not in key_schema(str | None, keys(Request)["body"])


def test_links_and_marks_of_code_are_not_in_plain_text() -> None:
    assert plain("A [link](how-to.md#x) to `a[0]` and `[]`.") == "A link to a[0] and []."


@pytest.mark.parametrize("project", [pytest.param(each, id=each.name) for each in PROJECTS])
def test_the_projects_that_are_tested_are_right_by_it(project: Path) -> None:
    validate(read_pyproject(project), "pyproject.schema.json")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ap = 'x'", ": Additional properties are not allowed ('ap' was unexpected)"),
        ("freeze.exclude = []", "freeze: Additional properties are not allowed ('exclude' was unexpected)"),
        ("images.web.x = 1", "images.web: Additional properties are not allowed ('x' was unexpected)"),
        ("images.web.images = {}", "images.web: Additional properties are not allowed ('images' was unexpected)"),
        ("images.web = 'x'", "images.web: 'x' is not of type 'object'"),
        ("layout = 'flat'", "layout: 'flat' is not one of ['onefile', 'tree']"),
        ("name = 3", "name: 3 is not of type 'string'"),
        ("install = '.'", "install: '.' is not of type 'array'"),
        ("locked = 'yes'", "locked: 'yes' is not of type 'boolean'"),
        ("server = 3", "server: 3 is not of type 'object'"),
        ("server.kind = 'x'", f"server.kind: 'x' is not one of {list(SERVER_KINDS)}"),
        ("image.env = { A = 3 }", "image.env.A: 3 is not of type 'string'"),
        ("image.tags = []", "image.tags: [] should be non-empty"),
        ("image.ports = [0]", "image.ports.0: 0 is less than the minimum of 1"),
        ("images.web.image.ports = [0]", "images.web.image.ports.0: 0 is less than the minimum of 1"),
        ("max-size = 'big'", "max-size: 'big' is not valid under any of the given schemas"),
        ("smoke.memory = 0", "smoke.memory: 0 is not valid under any of the given schemas"),
        ("smoke.timeout = 0", "smoke.timeout: 0 is less than or equal to the minimum of 0"),
        ("services = [{ name = 'a', command = ['x'] }]", "services.0: 'port' is a required property"),
        ("services = [{ name = 'a', command = [], port = 1 }]", "services.0.command: [] should be non-empty"),
        ("smoke.requests = [{ status = 99 }]", "smoke.requests.0.status: 99 is less than the minimum of 100"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(text: str, problem: str) -> None:
    assert refused(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "app = 'shop'",
        "name = 'Shop'",
        "freeze.data = ['x']",
        "freeze.optimize = 3",
        "image.files = { x = 'y' }",
        "image.user = 'root'",
        "image.user = '0:0'",
        "image.volumes = ['data']",
        "image.healthcheck = 'health'",
        "image.tags = ['a b']",
        "image.env = { '' = 'x' }",
        "services = [{ name = 'My SQL', command = ['x'], port = 1 }]",
        "smoke.exit-code = 256",
        "smoke.requests = [{ headers = { 'A B' = 'x' } }]",
    ],
)
def test_what_a_rule_refuses_is_refused_where_a_pattern_can_say_it(text: str) -> None:
    assert len(refused(text)) == 1


@pytest.mark.parametrize("table", ["", "images.web."])
@pytest.mark.parametrize("given", [TARGETS[:2], TARGETS[1:], TARGETS[::2]])
def test_two_targets_in_one_table_exclude_each_other(table: str, given: tuple[str, str]) -> None:
    lines = [f"{table}{name} = 'shop:app'" for name in given]
    assert [line.partition(": ")[0] for line in refused("\n".join(lines))] == sorted(f"{table}{name}" for name in given)


@pytest.mark.parametrize("text", ["", "app = 'shop:app'", "script = 'run.py'", "app = 'shop:app'\nscript = ''"])
def test_one_target_or_none_is_right_in_a_file(text: str) -> None:
    # The others may come from register() or the environment.
    assert refused(text) == []


def test_each_image_has_a_target_of_its_own() -> None:
    assert refused("max-size = '9MB'\nimages.web.app = 'shop:app'\nimages.worker.command = 'shop-worker'") == []


# validate-pyproject


def validated(table: dict[str, Any]) -> None:
    plugin = PluginWrapper(TABLE, cast(Plugin, for_validate_pyproject))
    Validator(plugins=[plugin])({"project": {"name": "shop", "version": "1.0"}, "tool": {TABLE: table}})


def test_validate_pyproject_takes_a_right_table() -> None:
    validated(read_pyproject(REPOSITORY)["tool"][TABLE])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"ap": "shop:app"}, "`tool.pystatic-tasks` must not contain {'ap'} properties"),
        ({"layout": "flat"}, "`tool.pystatic-tasks.layout` must be one of ['onefile', 'tree']"),
    ],
)
def test_validate_pyproject_refuses_a_wrong_one(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validated(table)
    assert caught.value.summary == problem


def test_validate_pyproject_says_why_two_targets_are_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        validated({"app": "shop:app", "script": "run.py"})
    assert caught.value.summary == "`tool.pystatic-tasks.script` must be shorter than or equal to 0 characters"
    assert "app, script, command are mutually exclusive; keep one." in caught.value.details


def test_validate_pyproject_finds_it_by_its_entry_point() -> None:
    groups = read_pyproject(REPOSITORY)["project"]["entry-points"]
    module, _, name = groups["validate_pyproject.tool_schema"][TABLE].partition(":")
    assert getattr(importlib.import_module(module), name) is for_validate_pyproject
