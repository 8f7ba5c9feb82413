from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pystatic_tasks.in_env.examine import frameworks
from pystatic_tasks.in_env.texts import texts_in


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("/shop/templates", "templates"),
        ("/shop/.nox/site-packages/shop/templates", "shop/templates"),
        ("/shop", None),
        ("/other/templates", None),
    ],
)
def test_a_folder_lies_in_the_program_as_it_lies_where_modules_are_imported_from(
    folder: str, place: str | None
) -> None:
    found = frameworks.place_of(Path(folder), ["/shop", "/shop/.nox/site-packages"])
    assert found == (Path(place) if place else None)


def test_texts_are_found_at_any_depth() -> None:
    value = {"BACKEND": "a.b", "OPTIONS": [{"loaders": ("c.d", 3)}, None]}
    assert list(texts_in(value)) == ["BACKEND", "OPTIONS", "a.b", "loaders", "c.d"]


def test_names_in_settings_are_those_of_modules_and_of_what_stands_in_them() -> None:
    settings = SimpleNamespace(MIDDLEWARE=["json.decoder.JSONDecoder", "json.nowhere.X", "a text"], lower=["json.tool"])
    assert set(frameworks.named_in_settings(settings)) == {"json.decoder"}


def test_submodules_are_those_that_are_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__init__", "models", "tests/__init__", "tests/test_models", "commands/__init__", "commands/migrate"):
        (tmp_path / "notesx" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "notesx" / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = list(frameworks.submodules("notesx", leave_out=("tests",)))
    assert found == ["notesx", "notesx.commands", "notesx.commands.migrate", "notesx.models"]
    assert list(frameworks.submodules("nowherex", leave_out=())) == []


def test_folders_of_loaders_are_found_while_they_are_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FileSystemLoader:
        searchpath = (tmp_path / "site" / "shop" / "pages",)

    (tmp_path / "site" / "shop" / "pages").mkdir(parents=True)
    (tmp_path / "site" / "shop" / "pages" / "a.html").touch()
    monkeypatch.setitem(sys.modules, "jinja2.loaders", SimpleNamespace(FileSystemLoader=FileSystemLoader))
    assert list(frameworks.framework_data([str(tmp_path / "site")])) == []
    loader = FileSystemLoader()
    assert list(frameworks.framework_data([str(tmp_path / "site")])) == [
        (str(tmp_path / "site" / "shop" / "pages" / "a.html"), "shop/pages")
    ]
    del loader


def test_skeletons_and_sources_of_translations_are_no_data() -> None:
    wanted = ["notes/templates/a.html", "notes/views.py-tpl", "locale/de/LC_MESSAGES/django.po", "notes/static/a.css"]
    assert [name for name in wanted if frameworks.is_wanted(Path(name), False, ())] == [wanted[0], wanted[3]]
    assert [name for name in wanted if frameworks.is_wanted(Path(name), True, ())] == [wanted[0]]


def test_translations_are_those_of_the_wanted_languages() -> None:
    catalogs = [Path(f"locale/{language}/LC_MESSAGES/django.mo") for language in ("de", "fr")]
    assert [path for path in catalogs if frameworks.is_wanted(path, False, {"de"})] == catalogs[:1]
