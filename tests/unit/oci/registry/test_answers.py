from __future__ import annotations

import time

import pytest

from pystatic_tasks.oci.registry.addresses import parse_address
from pystatic_tasks.oci.registry.answers import LONGEST_READ, Answer, parse_json, said, shown

from ...conftest import errors


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (errors("DENIED", "no\x1b[31m\nno"), "DENIED: no [31m no"),
        (errors("DENIED", "a\u202eb"), "DENIED: a b"),
        (errors("DENIED", ""), "DENIED"),
        (errors("X", "y" * 1000), "X: " + "y" * 197),
        (b'{"errors": []}', "Teapot"),
        (b'{"errors": [3]}', "Teapot"),
        (b"[" * 5000, "Teapot"),
        (b"<html>", "Teapot"),
        (b"", "Teapot"),
    ],
)
def test_what_a_registry_says_is_one_line(content: bytes, text: str) -> None:
    address = parse_address("https://registry.example")
    assert said(Answer(address=address, status=418, reason="Teapot", headers={}, content=content)) == text


def test_a_long_answer_is_shown_at_once() -> None:
    address = parse_address("https://registry.example")
    for message in ("://a/@" * 800_000, "a" * 4_900_000, "=a://u@" * 700_000):
        answer = Answer(address=address, status=418, reason="", headers={}, content=errors("X", message))
        started = time.process_time()
        assert len(said(answer, ["correct-horse"])) <= 200
        assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["a Correct-Horse", "a correct-horse", "a " + "Correct-Horse" * 2000])
def test_no_secret_is_shown(text: str) -> None:
    assert shown(text, ["Correct-Horse"])[:5] == "a ***"


def test_no_secret_in_other_letters_is_shown() -> None:
    assert shown("CORRECT-HORSE, correct-horse", ["Correct-Horse"]) == "***, ***"


@pytest.mark.parametrize("text", ["pässwörd", "p\xc3\xa4ssw\xc3\xb6rd", "P\xc4SSW\xd6RD", "p%C3%A4ssw%C3%B6rd"])
def test_no_secret_that_http_took_for_latin_1_is_shown(text: str) -> None:
    assert shown(f"{text} is wrong", ["pässwörd"]) == "*** is wrong"


STAPLE = "correct horse battery staple"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (STAPLE, "correct\nhorse\tbattery\u2028staple"),
        (STAPLE, "correct\0horse\x1bbattery\u200bstaple"),
        (STAPLE, "correct\u3000horse\u2800battery\u3164staple"),
        (STAPLE, "cor\0rect horse\0battery sta\u200bple"),
        (STAPLE, "CORRECT\nHORSE\nBATTERY\nSTAPLE"),
        ("correct\u00a0horse", "correct horse"),
        ("correct\nhorse!", "correct horse!"),
        ("hunter2secret", "hun\0ter2secret"),
        ("hunter2secret", "hun\u034fter2\ufe0fsecret"),
        ("hunter2secret", "h\u0336unter2secret"),
        ("hunter2secret", "\uff48unter2secret"),
        ("Pässwörd1234", "Pa\u0308sswo\u0308rd1234"),
        ("Pa\u0308sswo\u0308rd1234", "Pässwörd1234"),
        ("hun&ter2<secret", "hun&amp;ter2\u034f&lt;secret"),
        ("first line!\nsecond line", "sec\0ond line"),
    ],
)
def test_no_secret_is_shown_by_what_is_not_seen(secret: str, text: str) -> None:
    assert shown(f"denied: {text}.", [secret]) == "***"
    assert shown(f"denied: {text} {'y' * LONGEST_READ}", [secret]) == "***"


def test_no_token_is_shown_by_what_is_not_seen() -> None:
    assert shown("denied: given-\0to-me", [], ["given-to-me"]) == "***"


@pytest.mark.parametrize("text", ["a bad minute", "späte bad bytes\nfrom you"])
def test_what_is_no_secret_is_shown_with_what_is_seen_of_it(text: str) -> None:
    assert shown(text, ["admin", "word", "\u034f\u034f\u034f\u034f"]) == text.replace("\n", " ")


def test_what_is_not_seen_costs_nothing() -> None:
    for text in ("a\u0301\u0323" * 20_000, "\u0301" * 30_000 + "\u0323" * 30_000, "\ufdfa" * 60_000):
        started = time.process_time()
        shown(text, ["correct-horse " * 20])
        assert time.process_time() - started < 3


def test_tokens_are_hidden_at_once_however_long_and_many_they_are() -> None:
    tokens = [f"{number:04}" + "\"'\\<&>/%" * 2000 for number in range(100)]
    text = f"{tokens[7]} {tokens[8].upper()} tok " + "\"'\\<&>/%" * 2000
    started = time.process_time()
    assert shown(text, ["correct-horse"], [*tokens, "tok"])[:12] == "*** *** tok "
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("!" * 40 + "x", "!" * 60_000 + "x"),
        ("!" * 4000, "!" * 60_000),
        ("\n".join(f"{each}!!!!!!!!" for each in range(20_000)), "!" * 60_000),
        ("%'27" * 3 + "z1", "%27" * 20_000 + "z1"),
        ("a!" * 2000, "a!" * 30_000),
    ],
)
def test_no_secret_makes_what_is_said_take_long(secret: str, text: str) -> None:
    started = time.process_time()
    assert shown(text, [secret]) == "***"
    assert secret not in shown(f"denied: {secret}", [secret])
    assert time.process_time() - started < 5


def test_no_part_of_a_secret_is_shown_beside_one_that_is_a_token() -> None:
    assert shown("denied: Tr0ubadour-hunter2", ["Tr0ubadour-hunter2"], ["dour"]) == "denied: ***"
    assert shown("denied: given-to-me", ["to-m"], ["given-to-me"]) == "denied: ***"


def test_what_is_said_is_shown_beside_a_long_secret() -> None:
    token = ".".join(["eyJhbGciOiJIUzI1NiIs-InR5cCI6IkpXVCJ9_x" * 8] * 3)
    assert shown(f"denied: {token}", [token]) == "denied: ***"


def test_no_part_of_a_secret_is_shown() -> None:
    hidden = ("https://" + "u" * 8177 + "@h.ee ") * 8
    assert len(hidden) == LONGEST_READ - len("correct-")
    assert "correct" not in shown(f"{hidden}correct-horse", ["correct-horse"])


@pytest.mark.parametrize("size", [LONGEST_READ // 2, LONGEST_READ, LONGEST_READ * 2])
def test_a_secret_longer_than_what_is_read_is_not_shown(size: int) -> None:
    secret = ("s3cr3t-" * size)[:size]
    for text in (secret, f"no {secret} {'y' * LONGEST_READ}"):
        assert "s3cr3t" not in shown(text, [secret])
        assert "s3cr3t" not in shown(text, [], [secret])


@pytest.mark.parametrize("content", [b"[" * 64 + b"]" * 64, b'{"a": [1, 2.5, null, true, "\xc3\xb6"]}', b"1" * 20])
def test_json_is_read(content: bytes) -> None:
    assert parse_json(content) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b"[" * 1_000_000,
        b"1" * 21,
        b"1" * 1_000_000,
        b"NaN",
        b"1e999",
        b'"\\ud800"',
    ],
)
def test_what_could_not_be_written_again_is_no_json(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(content)
