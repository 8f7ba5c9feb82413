from __future__ import annotations

import pytest

from pystatic_tasks.config.signs import numbers, readings


def signs(text: str, at: int = 0) -> set[tuple[str, str]]:
    """What may be read, with what is left of the text behind it."""
    return {(chr(number), text[end:]) for end, number in readings(text, at)}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("!a", {("!", "a")}),
        ("éa", {("é", "a")}),
        ("a", set()),
        ("%a", {("%", "a")}),
        ("%27", {("%", "27"), ("'", "")}),
        ("%2527", {("%", "2527"), ("%", "27"), ("'", "")}),
        ("%26", {("%", "26"), ("&", "")}),
        ("&a", {("&", "a")}),
        ("&amp;lt;", {("&", "amp;lt;"), ("&", "lt;"), ("<", "")}),
        ("&#x27;&", {("&", "#x27;&"), ("'", "&")}),
        ("&#039%3ba", {("&", "#039%3ba"), ("'", "a")}),
    ],
)
def test_all_ways_to_read_a_sign_are_found(text: str, read: set[tuple[str, str]]) -> None:
    assert signs(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("n1", {("\n", "1")}),
        ("x27", {("'", "")}),
        ("x26a", {("&", "a")}),
        ("477", {("\4", "77"), ("'", "7"), ("\u013f", "")}),
        ("u0027", {("\0", "27"), ("\2", "7"), ("'", "")}),
        ("u{27}}", {("'", "}}"), ("'", "}")}),
        ("z", set()),
    ],
)
@pytest.mark.parametrize("backslash", ["\\", "%5C", "%255c"])
def test_what_a_backslash_stands_before_may_be_a_sign(backslash: str, text: str, read: set[tuple[str, str]]) -> None:
    assert signs(f"{backslash}{text}", len(backslash)) == read


def test_a_text_is_written_by_its_characters_bytes_and_halves() -> None:
    assert numbers("! ") == {ord("!"), ord(" "), ord("+")}
    assert {ord("é"), 0xC3, 0xA9, ord("?"), 0xFFFD} <= numbers("é")
    assert {0x1F600, 0xD83D, 0xDE00, 0xF0, 0x0178} <= numbers("😀")
