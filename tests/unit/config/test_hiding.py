from __future__ import annotations

import os
import subprocess
import time

import pytest
from hypothesis import given
from quoting import QUOTINGS, TEXTS, Quote

from pystatic_tasks.config.hiding import hidden


def test_secrets_are_hidden_the_longest_first_and_short_ones_are_none() -> None:
    assert hidden("abcdef abcd on", ["abcd", "abcdef", "on"]) == "*** *** on"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("sesame\n", "read: sesame"),
        ("begin of it\n  sesame-is-it\nend of it", "a line: sesame-is-it"),
        ("sesame\udcff!", "undecodable: sesame\ufffd!"),
    ],
)
def test_a_part_of_a_secret_that_is_shown_alone_is_hidden(secret: str, text: str) -> None:
    assert hidden(text, [secret]) == f"{text.partition(':')[0]}: ***"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("%27%27z1", "%27%27z1"),
        ("%27%27z1", "%2527%252527z1"),
        ("%'27x'z1", "%27%2727x&#x27;z1"),
        ("%2525z1", "%252525z1"),
        ("&amp;z1", "&amp;amp;z1"),
        ("a'47z1", "a\\4747z1"),
        ("a\u202828z1", "a\\u202828z1"),
        ("a'}z1", "a\\u{27}}z1"),
        ("a\U0001f600z1", "a\\ud83d\\uDE00z1"),
    ],
)
def test_a_secret_of_what_looks_escaped_is_hidden(secret: str, text: str) -> None:
    assert hidden(f"say {text} now", [secret]) == "say *** now"


def test_all_of_what_several_secrets_share_is_hidden() -> None:
    assert hidden("say correct-horse-battery", ["correct-horse", "horse-battery"]) == "say ***"
    assert hidden("say correct-horse-battery", ["horse"], ["correct-horse", "set-", "bat"]) == "say ***-battery"
    assert hidden("say a!b!a!b!", ["a!b!a"]) == "say ***!b!"
    assert hidden("sesamesesame", ["sesame"]) == "******"


def test_spaces_and_brackets_are_no_secrets() -> None:
    assert hidden("{\n    a\n}", ["    ", "{\n  'secret': 1\n}"]) == "{\n    a\n}"


@given(prefix=TEXTS, suffix=TEXTS, first=QUOTINGS, second=QUOTINGS)
def test_a_secret_is_hidden_however_it_is_quoted(prefix: str, suffix: str, first: Quote, second: Quote) -> None:
    secret = f"{prefix}sesame{suffix}"
    assert "sesame" not in hidden(f"before {second(first(secret))} after", [secret])


def without_quotes(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, "$\\'\"")))


BASH = ["~p\"a'ss<w&rd $x/é`!y", "#,{a}*[b]?^=~(c);d|e\\f>", "two\nlines\tof'it\\", "größe\u2028of''it"]


@pytest.mark.parametrize("secret", BASH)
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize(
    "script", ['printf %q "$X"', 'printf %s "${X@Q}"', "declare -p X | sed -z 's/^[^=]*=//;s/.$//'"]
)
def test_a_secret_is_hidden_as_bash_quotes_it(secret: str, locale: str, script: str) -> None:
    environment = {"LC_ALL": locale, "PATH": os.environ["PATH"], "X": secret}
    written = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=True).stdout
    quoted = written.decode(errors="replace")
    assert without_quotes(hidden(f"{quoted} said", [secret])) == "*** said"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_secret_is_hidden_where_it_is_taken_for_another_encoding(encoding: str) -> None:
    """As HTTP has the reasons and headers of a server, and WSGI those of a client."""
    secret = "pässwörd-ÿ-€"
    text = secret.encode().decode(encoding, "replace" if encoding == "ascii" else "ignore")
    assert hidden(f"a {text} b", [secret]) == "a *** b"
    assert hidden(f"a {secret.encode(encoding, 'replace').decode(errors='replace')} b", [secret]) == "a *** b"


def test_a_secret_of_other_letters_hides_no_other_words() -> None:
    assert hidden("тайный пароль от почты", ["пароль"]) == "тайный *** от почты"


def test_a_value_of_many_lines_is_hidden_by_the_line_too() -> None:
    assert hidden("swordfish, four, of it", ["swordfish\nfour\nof it\n"]) == "***, four, of it"


def test_no_secret_and_no_text_takes_long() -> None:
    secrets = ["!abc!", "a'b\"\"'c", "\"'\\'\"é!", "\n\nabc\n", '{"a": "é",\n}' * 200, "a" * 10_000, "é!" * 10_000]
    # What may be read in several ways, at each place.
    secrets += ["%27" * 12 + "z", "%'27" * 12 + "z", "'47" * 12 + "z", "%25" * 12 + "z", "&amp;" * 12 + "z"]
    started = time.process_time()
    for secret in secrets:
        for part in ("\\", "%25", "%5C", "%27", "&amp;", "'", "\\x27", "\\47", "!", "?", "a'", "\\u0026", "&", "a"):
            hidden(f"a{part * 1000}{secret[-20:]}", [secret])
    assert time.process_time() - started < 5
