from __future__ import annotations

import pytest

from pystatic_tasks.in_env.names import around, is_among, is_kept, outermost, top_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("email", []),
        ("email.mime.text", ["email", "email.mime"]),
        ("shop/", ["shop"]),
        ("shop/static/css/", ["shop/", "shop/static/", "shop", "shop.static", "shop.static.css"]),
    ],
)
def test_a_name_lies_in_packages_and_folders(name: str, expected: list[str]) -> None:
    assert around(name) == expected


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("email", True),
        ("email.mime.text", True),
        ("email/data/", True),
        ("emails", False),
        ("shop", False),
        ("shop.static", False),
        ("shop/static/css/", True),
        ("shop/", False),
    ],
)
def test_with_a_name_goes_all_that_lies_in_it(name: str, is_one: bool) -> None:
    assert is_among(name, {"email", "shop/static/"}) is is_one


def test_the_outermost_say_all() -> None:
    names = {"email", "email.mime", "email/data/", "shop/static/", "shop/static/css/", "json.tool"}
    assert outermost(names) == {"email", "shop/static/", "json.tool"}


@pytest.mark.parametrize(
    ("name", "patterns", "kept"),
    [
        ("email.mime", [], False),
        ("email.mime", ["email.mime"], True),
        ("email.mime", ["email"], True),
        ("email.mime", ["email.*"], True),
        ("email", ["email.*"], True),
        ("email", ["email.mime.text"], True),
        ("encodings.cp1252", ["encodings.cp125?"], True),
        ("shop/static/css/", ["shop/static/"], True),
        ("shop/static/css/", ["shop/*/css/"], True),
        ("shop/static/", ["shop/static/css/"], True),
        ("Email", ["email"], False),
    ],
)
def test_a_pattern_keeps_what_it_matches_with_all_in_it_and_around_it(
    name: str, patterns: list[str], kept: bool
) -> None:
    assert is_kept(name, patterns) is kept


@pytest.mark.parametrize("name", ["email", "email.mime", "email/", "email/data/"])
def test_a_name_has_a_top(name: str) -> None:
    assert top_of(name) == "email"
