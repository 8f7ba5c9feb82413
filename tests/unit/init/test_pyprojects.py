from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.pyprojects import as_toml, with_keys

PATH = Path("/home/me/shop/pyproject.toml")
KEYS: list[tuple[str, Any]] = [
    ("app", "a:b"),
    ("image.healthcheck", "/up"),
    ("smoke.requests", [{"path": "/x", "status": 302}]),
]
TABLE = """\
[tool.pystatic-tasks]
app = "a:b"
image.healthcheck = "/up"
smoke.requests = [{ path = "/x", status = 302 }]
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", TABLE),
        ("\n\n", "\n\n" + TABLE),
        ('[project]\nname = "shop"  # ours\n', '[project]\nname = "shop"  # ours\n\n' + TABLE),
        ('[project]\nname = "shop"', '[project]\nname = "shop"\n\n' + TABLE),
        ('[project]\nname = "shop"\n\n\n# the end\n', '[project]\nname = "shop"\n\n\n# the end\n\n' + TABLE),
        ("[tool.x]\r\na = 1\r\n", "[tool.x]\r\na = 1\r\n\r\n" + TABLE.replace("\n", "\r\n")),
        ("tool.x.a = 1\n", "tool.x.a = 1\n\n" + TABLE),
        ('[tool.pystatic-tasks]\nmax-size = "9MB"\n\n[tool.x]\n', TABLE + 'max-size = "9MB"\n\n[tool.x]\n'),
        ('[tool."pystatic-tasks"]  # here\n', '[tool."pystatic-tasks"]  # here\n' + TABLE.partition("\n")[2]),
        (
            "[tool.pystatic-tasks.freeze]\noptimize = 1\n",
            "[tool.pystatic-tasks.freeze]\noptimize = 1\n\n" + TABLE,
        ),
        ('x = """\n[tool.pystatic-tasks]\n"""\n', 'x = """\n[tool.pystatic-tasks]\n"""\n\n' + TABLE),
    ],
)
def test_only_our_table_is_added(before: str, after: str) -> None:
    assert with_keys(PATH, before, KEYS) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'tool.pystatic-tasks.max-size = "9MB"\n',
            'tool.pystatic-tasks.max-size = "9MB"\ntool.pystatic-tasks.app = "a:b"\n',
        ),
        ("[tool]\nx = 1\n[tool.pystatic-tasks]", '[tool]\nx = 1\n[tool.pystatic-tasks]\napp = "a:b"\n'),
        (
            '[tool]\npystatic-tasks = { layout = "tree" }\n',
            '[tool]\npystatic-tasks = { layout = "tree", app = "a:b"}\n',
        ),
    ],
)
def test_a_table_that_is_written_otherwise_stays_so(before: str, after: str) -> None:
    assert with_keys(PATH, before, [("app", "a:b")]) == after


def test_without_keys_the_text_is_the_same() -> None:
    assert with_keys(PATH, TABLE, []) == TABLE


def refused(text: str, keys: list[tuple[str, Any]]) -> str:
    with pytest.raises(ConfigError) as caught:
        with_keys(PATH, text, keys)
    return str(caught.value)


def test_a_table_that_is_wrong_is_told_before_anything_is_written() -> None:
    assert refused("[tool.pystatic-tasks]\nlayuot = 1\n", [("app", "a:b")]) == (
        "1 problem in the configuration of /home/me/shop/pyproject.toml:\n"
        '  tool.pystatic-tasks.layuot: unknown key; did you mean "layout"?\n'
        "Correct the lines above and try again."
    )


def test_a_table_of_nearly_our_name_is_told() -> None:
    assert "  [tool.pystatic_tasks] is not read; did you mean [tool.pystatic-tasks]?" in refused(
        "[tool.pystatic_tasks]\napp = 'x:y'\n", [("app", "a:b")]
    )


def test_a_table_that_is_none_is_told() -> None:
    assert "tool.pystatic-tasks: must be a table" in refused("[tool]\npystatic-tasks = 1\n", [("app", "a:b")])


def test_what_has_no_place_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pystatic_tasks.init.pyprojects.ways", lambda *_: [""])
    assert refused("", [("app", "a:b")]) == (
        "Cannot add [tool.pystatic-tasks] to /home/me/shop/pyproject.toml without changing something else in it. "
        'These lines are missing:\n  app = "a:b"\nAdd the lines yourself.'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(["--help"], '["--help"]'), ("Grüße", '"Grüße"'), ([], "[]"), ([{"path": "/"}], '[{ path = "/" }]'), (302, "302")],
)
def test_values_are_written_as_people_write_them(value: Any, text: str) -> None:
    assert as_toml(value) == text
