from __future__ import annotations

import os
import time

import pytest

from pystatic_tasks.engines.base import call
from pystatic_tasks.errors import ImageError


def refused(*command: str, timeout: float = 10) -> str:
    with pytest.raises(ImageError) as caught:
        call(*command, timeout=timeout)
    return str(caught.value)


def test_what_it_says_is_returned() -> None:
    result = call("sh", "-c", "echo größe; echo more >&2")
    assert (result.returncode, result.stdout, result.stderr) == (0, "größe\n", "more\n")


def test_a_failure_is_told_with_the_end_of_what_it_said() -> None:
    assert refused("sh", "-c", "echo out; seq 7 >&2; exit 3") == (
        '"sh -c" failed with exit code 3:\n  3\n  4\n  5\n  6\n  7\nCheck that sh works.'
    )


def test_a_failure_may_be_told_on_standard_output() -> None:
    assert refused("sh", "-c", "echo out; exit 1") == '"sh -c" failed with exit code 1:\n  out\nCheck that sh works.'


def test_a_failure_without_a_word_is_told_by_its_exit_code() -> None:
    assert refused("sh", "-c", "exit 3") == '"sh -c" failed with exit code 3.\nCheck that sh works.'


def test_a_failure_that_is_expected_is_returned() -> None:
    assert call("sh", "-c", "exit 3", check=False).returncode == 3


def test_nobody_waits_for_ever() -> None:
    started = time.monotonic()
    assert refused("sleep", "20", timeout=0.6) == '"sleep 20" did not answer within 1 seconds.\nCheck that sleep works.'
    assert time.monotonic() - started < 10


def test_it_cannot_wait_for_a_question_to_be_answered() -> None:
    before = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    try:
        assert call("cat", timeout=2).stdout == ""
    finally:
        os.dup2(before, 0)
        for descriptor in (before, reading, writing):
            os.close(descriptor)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert call("printf", r"\377x").stdout == "\ufffdx"
