from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from pystatic_tasks.config.model import ImageConfig, Observe, Smoke
from pystatic_tasks.steps.secrets.values import reason_of_values

VALUE = 'größe/"of 1"+it'
REASON = "the value of your variable SHOP_KEY is in it"


def found_in(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    config = ImageConfig(root=path.parent, project=path.parent, smoke=Smoke(env={"KEY": "$SHOP_KEY", "MODE": "test"}))
    return reason_of_values(config, path)


@pytest.mark.parametrize(
    "content",
    [
        VALUE.encode(),
        json.dumps({"key": VALUE}).encode(),
        json.dumps({"key": VALUE}, ensure_ascii=False).encode(),
        repr({"key": VALUE}).encode(),
        html.escape(VALUE).encode(),
        f"?key={quote(VALUE)}&".encode(),
        quote_plus(VALUE).encode(),
        VALUE.replace('"', "&#34;").encode(),
        html.escape(json.dumps(VALUE)).encode(),
        json.dumps(json.dumps(VALUE)).encode(),
        json.dumps(VALUE).replace("/", "\\/").encode(),
        json.dumps(VALUE, ensure_ascii=False).replace("+", "\\u002b").encode(),
        quote(VALUE, safe="").replace("%2F", "%2f").encode(),
        quote(VALUE, safe="+").lower().encode(),
        json.dumps(VALUE).encode("utf-16-le"),
        *(VALUE.encode(encoding) for encoding in ("utf-16-le", "utf-16-be")),
        base64.b64encode(VALUE.encode("utf-16-le")),
        json.dumps(base64.b64encode(b"???" + VALUE.encode()).decode()).replace("/", "\\/").encode(),
        *(base64.b64encode(b"." * before + VALUE.encode() + b"\n") for before in range(3)),
        base64.urlsafe_b64encode(b"??" + VALUE.encode()),
        b"\0" * 10_000 + VALUE.encode(),
    ],
)
def test_a_value_is_found_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("SHOP_KEY", VALUE)
    assert found_in(tmp_path / "file", content) == REASON
    assert found_in(tmp_path / "file", content.swapcase()) == ""


@pytest.mark.parametrize("value", ["'ab<c>d&e1'", "a\\\\b%2Fcd-1", "100%25 & more", "ends with \\", "a+b c%20d"])
@pytest.mark.parametrize("write", [str, json.dumps, repr, html.escape, quote, quote_plus])
def test_values_with_escapes_of_their_own_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, write: Callable[[str], str]
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    assert found_in(tmp_path / "file", f'["{write(value)}"]'.encode()) == REASON


@pytest.mark.parametrize("value", ["open-sesame\n", "\topen-sesame\r\n", " open-sesame "])
def test_a_value_is_found_without_the_spaces_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """As programs use what was read from a file with a line end."""
    monkeypatch.setenv("SHOP_KEY", value)
    assert found_in(tmp_path / "file", b'{"key": "open-sesame"}') == REASON


@pytest.mark.parametrize("sign", ["'", '"', "%", "$"])
def test_a_value_is_found_with_its_signs_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    """As in YAML and SQL, CSV, INI and Compose."""
    monkeypatch.setenv("SHOP_KEY", f"open{sign}sesame{sign}1")
    assert found_in(tmp_path / "file", f"key: open{sign * 2}sesame{sign * 2}1\n".encode()) == REASON


def test_a_value_that_is_short_without_its_escapes_is_looked_for_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "%41%42%43")
    assert found_in(tmp_path / "file", b"ABC") == ""
    assert found_in(tmp_path / "file", b"is %41%42%43") == REASON


@pytest.mark.parametrize("value", ["se&ret\\!", "\\!\\?\\#\\-", "a%2Fb%2F1", "'a\\\\\\\\b'"])
@pytest.mark.parametrize("again", [str, html.escape, quote])
@pytest.mark.parametrize("write", [json.dumps, repr, html.escape, quote, lambda value: value.replace("\\", "\\x5c")])
def test_a_value_that_is_short_without_its_escapes_is_found_however_it_is_escaped(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[str], str],
    again: Callable[[str], str],
    value: str,
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    assert found_in(tmp_path / "file", f"<p>{again(write(value))}</p>".encode()) == REASON
    wide = "".join(f"&#{ord(each)};" for each in write(value))
    assert found_in(tmp_path / "file", wide.encode("utf-16-le")) == REASON


@pytest.mark.parametrize("content", ["se&ret!", "se&ret! &amp; \\! &quot;", "se\\u0020&ret\\\\!"])
def test_what_a_short_value_is_without_its_escapes_is_in_files_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", "se&ret\\!")
    assert found_in(tmp_path / "file", content.encode()) == ""


@pytest.mark.parametrize("name", ["shop-1.dist-info/METADATA", "shop.egg-info/PKG-INFO"])
def test_metadata_which_has_the_readme_is_looked_through_for_passwords_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    monkeypatch.setenv("SHOP_KEY", "https://shop.example")
    assert found_in(path, b"Runs at https://shop.example") == ""
    assert found_in(tmp_path / "METADATA", b"Runs at https://shop.example") == REASON
    monkeypatch.setenv("SHOP_KEY", "postgresql://shop:opensesame@db.example/shop")
    assert found_in(path, b"As in postgresql://shop:opensesame@db.example/shop") == REASON


@pytest.mark.parametrize("value", ["", "1234567", "production", "LOCALHOST", "Postgres"])
def test_short_values_and_words_are_in_files_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    assert found_in(tmp_path / "file", f"is {value}".encode()) == ""


@pytest.mark.parametrize("value", ["12345678", "twoWords", "postgresql://shop:opensesame@db.example/shop"])
def test_others_are_not_and_a_password_counts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    password = value.partition(":opensesame@")[1].strip(":@") or value
    assert found_in(tmp_path / "file", f"is {password}.".encode()) == REASON


def test_without_variables_of_the_callers_nothing_is_looked_for(tmp_path: Path) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, observe=Observe(env={"KEY": "opensesame1"}))
    (tmp_path / "file").write_text("opensesame1", encoding="utf-8")
    assert reason_of_values(config, tmp_path / "file") == ""
    assert reason_of_values(config, tmp_path / "gone") == ""
