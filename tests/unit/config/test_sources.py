from __future__ import annotations

import pytest

from pystatic_tasks.config.sources import environment_names, from_text, misspelt_tables, read_options, read_variable


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"image": {"tags": ["a b"]}}, '--tag = "a b": is not a tag; write a tag such as "1.4" '),
        ({"layout": "tree"}, '--layout = "tree": must be one of "onefile"'),
        ({"smoke": {"engine": "kvm"}}, '--engine = "kvm": must be one of "auto", "docker", "podman", "sandbox"'),
    ],
)
def test_a_wrong_option_is_called_as_it_was_typed(options: dict[str, object], line: str) -> None:
    [problem] = read_options(options).problems
    assert problem.startswith(line)


def test_a_variable_near_to_none_is_told_which_there_are() -> None:
    [problem] = read_variable("XYZZY", "1").problems
    assert problem.startswith("PYSTATIC_TASKS_XYZZY: unknown variable; known are APP, ")


def test_a_near_variable_is_named_whole() -> None:
    [problem] = read_variable("SMOKE_ENGIN", "1").problems
    assert problem == 'PYSTATIC_TASKS_SMOKE_ENGIN: unknown variable; did you mean "PYSTATIC_TASKS_SMOKE_ENGINE"?'


@pytest.mark.parametrize("text", ["1.7", "two", "1e3", "٣"])
def test_what_is_no_whole_number_stays_text_and_is_refused(text: str) -> None:
    assert from_text(text, int) == text
    assert read_variable("FREEZE_OPTIMIZE", text).problems == [
        f'PYSTATIC_TASKS_FREEZE_OPTIMIZE = "{text}": must be a whole number'
    ]


def test_a_large_number_keeps_all_its_digits() -> None:
    assert from_text("12345678901234567890", int) == 12345678901234567890


def test_variables_are_named_after_table_and_key() -> None:
    assert environment_names()["FREEZE_HIDDEN_IMPORTS"][0] == ("freeze", "hidden-imports")


def test_our_own_table_outside_of_tool_is_found() -> None:
    assert misspelt_tables({"tool": {}, "pystatic-tasks": {}}) == [
        "[pystatic-tasks] is not read; did you mean [tool.pystatic-tasks]?"
    ]
