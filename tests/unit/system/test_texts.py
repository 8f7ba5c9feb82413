from __future__ import annotations

import pytest

from pystatic_tasks.config.project import parse_toml
from pystatic_tasks.system.texts import printable, quoted, toml_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 1", "größe 1"),
        ("a\nb\x1b[2J\0", r"a\nb\x1b[2J\x00"),
        ("\u2028\u202e\udc80", r"\u2028\u202e\udc80"),
        ("x" * 5000, "x" * 100 + "…"),
        ("\n" * 5000, r"\n" * 100 + "…"),
    ],
)
def test_a_text_is_shown_in_one_short_line(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_quoted_text_is_short_too() -> None:
    assert quoted("a\n") == r"'a\n'"
    assert quoted("x" * 5000) == f"'{'x' * 100}…'"


@pytest.mark.parametrize("text", ["größe 1", "a 'b' \"c\"", "a\\b\tc"])
def test_toml_reads_a_text_as_it_is(text: str) -> None:
    assert parse_toml(f"a = {toml_text(text)}") == {"a": text}
