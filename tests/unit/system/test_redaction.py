from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from pystatic_tasks.system.redaction import masked, masked_log, masked_stream, public_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@index.example/simple", "https://***@index.example/simple"),
        ("'https://token@index.example:8443/x?a=b'", "'https://***@index.example:8443/x?a=b'"),
        ("http://me:p@ss@index.example", "http://***@index.example"),
        ("http://:secret@a.example http://me:secret@b.example", "http://***@a.example http://***@b.example"),
        ("shop @ git+https://me:secret@host.example/shop.git@v1", "shop @ git+https://***@host.example/shop.git@v1"),
        ("git+ssh://git@host.example/shop.git", "git+ssh://git@host.example/shop.git"),
        ("https://host.example/path@v1, me@example.org", "https://host.example/path@v1, me@example.org"),
        ("nothing of that kind", "nothing of that kind"),
    ],
)
def test_credentials_in_urls_are_hidden(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_an_address_that_means_nothing_elsewhere_is_not_published() -> None:
    assert [public_url(address) for address in ("", "/srv/shop.git", "file:///srv/shop.git", "shop")] == [""] * 4


def test_credentials_are_hidden_in_a_log_while_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("of-this-test")
    with masked_log(logger):
        logger.error("pip install %s", "https://me:secret@index.example")
    logger.error("afterwards: 100%")
    assert caplog.messages == ["pip install https://***@index.example", "afterwards: 100%"]


def test_credentials_are_hidden_in_what_a_tool_writes(capsys: pytest.CaptureFixture[str]) -> None:
    with masked_stream(sys.stderr) as stream:
        subprocess.run(["printf", r"from http://me:secret@a.example\nno line end \377"], stdout=stream, check=True)
    assert capsys.readouterr().err == "from http://***@a.example\nno line end \ufffd"
