from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.project import (
    is_installable,
    license_expression,
    people,
    project_name,
    read_pyproject,
    required_name,
    tables_of_others,
)
from pystatic_tasks.errors import ConfigError


def test_the_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "größe"\n', encoding="utf-8")
    assert read_pyproject(tmp_path) == {"project": {"name": "größe"}}


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("[project]\nname = 'a'\n[tool.pystatic-tasks]\napp = 'a:b'\n", {"project": {"name": "a"}}),
        ("[tool.x]\n[tool.pystatic-tasks.image]\nuser = '1:1'\n", {"tool": {"x": {}}}),
        ("tool = 3\n", {"tool": 3}),
        ("", {}),
        ("[tool\n", None),
    ],
)
def test_what_others_read_is_all_but_our_own_table(tmp_path: Path, text: str, tables: dict[str, object] | None) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert tables_of_others(tmp_path / "pyproject.toml") == tables


def test_a_missing_file_is_named_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"There is no pyproject.toml in {tmp_path / 'nowhere'}.\n"
        'Run pystatic init, or create one with at least [tool.pystatic-tasks] and app = "package.module:callable".'
    )


def test_what_is_not_toml_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\n= 3\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path)
    assert str(caught.value) == (
        f"{path} is not valid TOML: Invalid statement (at line 2, column 1).\nCorrect the file."
    )


def test_what_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(b'name = "\xe9"\n')
    with pytest.raises(ConfigError) as caught:
        read_pyproject(tmp_path)
    assert str(caught.value) == (
        f"{path} is not valid TOML: 'utf-8' codec can't decode byte 0xe9 in position 8: invalid continuation byte.\n"
        "Correct the file."
    )


def test_pip_can_install_what_names_a_project_or_a_build_system_or_has_a_setup_script(tmp_path: Path) -> None:
    assert is_installable(tmp_path, {"project": {"name": "shop"}})
    assert is_installable(tmp_path, {"build-system": {"requires": []}})
    assert not is_installable(tmp_path, {"tool": {"project": {}}})
    (tmp_path / "setup.py").touch()
    assert is_installable(tmp_path, {})


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Red.is", "red-is"),
        (" Flask_SQLAlchemy[x] >=3 ; python_version > '3'", "flask-sqlalchemy"),
        ("shop @ https://example.org/shop.whl", "shop"),
        ("./shop", ""),
        ("-r base.txt", ""),
        ("", ""),
    ],
)
def test_a_requirement_names_what_indexes_and_locks_know(requirement: str, name: str) -> None:
    assert required_name(requirement) == name


@pytest.mark.parametrize(
    ("value", "expression"),
    [
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ({"text": "MIT"}, "MIT"),
        ({"text": "Permission is hereby granted, free of charge, to any person"}, ""),
        ({"file": "LICENSE"}, ""),
        (None, ""),
    ],
)
def test_a_license_is_an_expression_and_never_its_whole_text(value: Any, expression: str) -> None:
    assert license_expression(value) == expression


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({"authors": [{"name": "Ada", "email": "ada@x.org"}]}, "Ada <ada@x.org>"),
        ({"authors": [{"email": "ada@x.org"}]}, "ada@x.org"),
        ({"authors": [{"name": "Ada", "email": "ada@x.org"}, {"email": "bob@x.org"}]}, "Ada, bob@x.org"),
        ({"authors": [{"name": "Ada"}], "maintainers": [{"name": "Bob"}]}, "Bob"),
        ({"authors": "Ada"}, ""),
        ({}, ""),
    ],
)
def test_a_project_is_supplied_by_its_maintainers_or_authors(project: dict[str, Any], expected: str) -> None:
    assert people(project) == expected


@pytest.mark.parametrize(
    ("pyproject", "settings", "name"),
    [
        ('[project]\nname = "shop"\n[tool.poetry]\nname = "other"\n', "[metadata]\nname = other\n", "shop"),
        ('[tool.poetry]\nname = "djsite"\n', "[metadata]\nname = other\n", "djsite"),
        ('[tool.poetry]\nversion = "1"\n', "[metadata]\nname = my%shop\nversion = attr: shop.VERSION\n", "my%shop"),
        ("", "[metadata]\nname = shop\n", "shop"),
        (None, "[metadata]\nname = shop\n", "shop"),
        ("tool.poetry = 3\n", "[options]\npackages = find:\n", ""),
        ("tool.poetry.name = 3\n", None, ""),
        ("", "name = shop\n", ""),
        ("", "[metadata]\nname = \xe9\n", ""),
        (None, None, ""),
    ],
)
def test_a_project_has_the_name_that_its_build_backend_gives_it(
    tmp_path: Path, pyproject: str | None, settings: str | None, name: str
) -> None:
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    if settings is not None:
        (tmp_path / "setup.cfg").write_text(settings, encoding="latin-1")
    assert project_name(tmp_path) == name
