"""No command stands in the documentation that nobody types, without a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from shown import IN_CI, NOT_TYPED, PAGES, commands, shown
from support import REPOSITORY

TESTS = sorted((REPOSITORY / "tests" / "integration").glob("test_*.py"))


def typed() -> Iterator[tuple[str, str, int]]:
    """The commands that tests ask for: page, beginning, and which of those."""
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "shown":
                page, beginning, *of = (ast.literal_eval(argument) for argument in node.args)
                yield page, beginning, of[0] if of else 1


ASKED = sorted(set(typed()))


@pytest.mark.parametrize("page", PAGES)
def test_each_command_is_typed_by_a_test_or_has_a_reason_why_not(page: str) -> None:
    by_tests = [shown(*asked) for asked in ASKED if asked[0] == page]
    excused = [beginning for of, beginning in NOT_TYPED if of == page]
    for command in commands(page):
        is_excused = any(command.text.startswith(beginning) for beginning in excused)
        assert (command in by_tests) is not is_excused, (
            f"{page}: {command.text!r} must be typed by a test, by shown(…) in tests/integration, "
            "or have a reason in NOT_TYPED of tests/shown.py; not both"
        )


@pytest.mark.parametrize(("page", "beginning"), NOT_TYPED)
def test_each_reason_is_for_a_command_that_is_there(page: str, beginning: str) -> None:
    assert any(command.text.startswith(beginning) for command in commands(page))


def test_what_is_typed_in_ci_stands_there() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [
        beginning for (_, beginning), reason in NOT_TYPED.items() if reason == IN_CI and beginning not in lines
    ] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_other_block_hides_a_command(page: str) -> None:
    lines = (REPOSITORY / page).read_text(encoding="utf-8").splitlines()
    prompt = "> " if page == "docs/places/windows.md" else "$ "
    assert sum(line.lstrip().startswith(prompt) for line in lines) == len(commands(page))
