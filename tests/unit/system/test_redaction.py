from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from quoting import QUOTINGS_OF_URLS, TEXTS, Quote

from pystatic_tasks.system.redaction import AFTER_SCHEME, holds_password, masked, masked_log, masked_stream, public_url

USERS = st.from_regex("[a-z0-9_.-]{0,8}", fullmatch=True)
HOSTS = st.sampled_from(["host.example", "localhost:8000", "127.0.0.1", "[::1]:8443"])
FORMS = (
    "https://{user}:{password}@git.example/shop.git",
    "https://{user}:{password}@git.example/shop.git?{query}",
    "https://git.example/shop.git?{query}",
    "https://git.example/shop.git#{query}",
    "{user}:{password}@git.example:shop.git",
    "ext::https://{user}:{password}@git.example/shop.git",
)


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
        ("'https://me:it's@a.example/'", "'https://***@a.example/'"),
        ('"https://me:a"b@a.example/"', '"https://***@a.example/"'),
        ("https://me:a b@a.example/ and on", "https://***@a.example/ and on"),
        ("https://me:a/b@a.example/", "https://***@a.example/"),
        ("https://me:12/34@a.example/", "https://***@a.example/"),
        ("https://to/ken@a.example/", "https://***@a.example/"),
        ("http://me:p@s/s@registry:5000/x", "http://***@registry:5000/x"),
        ("postgres://me:a/b@database", "postgres://***@database"),
        ("-i=https://me:a b@a.example -x=https://b.example", "-i=https://***@a.example -x=https://b.example"),
        (r"{\"url\": \"https:\\/\\/me:secret@a.example\"}", r"{\"url\": \"https:\\/\\/***@a.example\"}"),
        ("https://first.last:!a@a.example/", "https://***@a.example/"),
        ("https://first.last: a@a.example/", "https://***@a.example/"),
        ("http://me:%40a@registry", "http://***@registry"),
        ("https://a.example: ask me; http://b.example.", "https://a.example: ask me; http://b.example."),
        ("http://127.0.0.1:8000/users/@me", "http://127.0.0.1:8000/users/@me"),
        ("http://registry:5000/shop.git@v1.2", "http://registry:5000/shop.git@v1.2"),
        ("file:///srv/shop@host.example", "file:///srv/shop@host.example"),
        ("https://'se:cret@a.example/x", "https://***@a.example/x"),
        ('https://"se:cret@a.example/x', "https://***@a.example/x"),
        ("https:// se:cret@a.example/x", "https://***@a.example/x"),
        ("https://\tse:cret@a.example/x", "https://***@a.example/x"),
        ("https:///se:cret@a.example/x", "https://***@a.example/x"),
        ("'https://' and me@a.example", "'https://' and me@a.example"),
        ('"://" as in me@host.example', '"://" as in me@host.example'),
        ("nothing of that kind", "nothing of that kind"),
        ("postgres://me:p@ss.word/x9@db:5432/shop", "postgres://***@db:5432/shop"),
        ("redis://:p@ss.word,x9@redis:6379/0", "redis://***@redis:6379/0"),
        ("amqp://me:p@ss.word;x9@rabbit", "amqp://***@rabbit"),
        ("mysql://me:p@ss.word`x9@db-1.internal./x", "mysql://***@db-1.internal./x"),
        ("postgres://me:p@ss.word/x9@%2Fvar%2Frun/shop", "postgres://***@%2Fvar%2Frun/shop"),
        ("https://me:p@ss.word/x9@münchen.de/x", "https://***@münchen.de/x"),
        ("ERROR: https://me:p@ss.word/x9@localhost: not found", "ERROR: https://***@localhost: not found"),
        ("git+https://me:p@ss.word/x9@registry/shop.git@v1 ", "git+https://***@registry/shop.git@v1 "),
        ("git+https://me:p@ss.word@registry/shop.git@v1#egg=x", "git+https://***@registry/shop.git@v1#egg=x"),
        ("git+https://me:p@ss.word/x9@host.example#egg=x", "git+https://***@host.example#egg=x"),
        ("git+https://me:p@ss.word;x9@registry#egg=x", "git+https://***@registry#egg=x"),
        ("http://me:p@ss.word/x9@[::1]: no answer", "http://***@[::1]: no answer"),
        ("http://me:p@ss.word/x9@registry:5000: no answer", "http://***@registry:5000: no answer"),
        ("git+https://me:p@ss.word/x9@registry:5000/shop.git", "git+https://***@registry:5000/shop.git"),
        ("https://me:p@host.example/@team/shop@1.2", "https://***@1.2"),
        ("Cloning https://me:s3cr3t/x9 (to revision 1)", "Cloning https://***@ (to revision 1)"),
        ("Cloning https://me:80x/9 to /tmp/x", "Cloning https://***@ to /tmp/x"),
        ("unable to access 'https://me:s3cr3t/': no host", "unable to access 'https://***@ no host"),
        ("Looking in indexes: https://me:s3cr3t", "Looking in indexes: https://***@"),
        ("http://registry:5000, http://localhost:8000: no", "http://registry:5000, http://localhost:8000: no"),
        ("pystatic://shop:v1.4 docker://alpine:edge", "pystatic://shop:v1.4 docker://alpine:edge"),
        ("http://0.0.0.0:${PORT}/ http://host:{port}", "http://0.0.0.0:${PORT}/ http://host:{port}"),
    ],
)
def test_credentials_in_urls_are_hidden(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(user=USERS, prefix=TEXTS, suffix=TEXTS, host=HOSTS, quote=QUOTINGS_OF_URLS)
def test_whatever_a_password_holds_nothing_of_it_is_shown(
    user: str, prefix: str, suffix: str, host: str, quote: Quote
) -> None:
    url = f"https://{user}:{prefix}sesame{suffix}@{host}/simple"
    assume(len(url.splitlines()) == 1)
    # Whoever reads a URL reads a host and its port there.
    assume("." not in user or not prefix[:1].isdigit())
    assume(len(AFTER_SCHEME.findall(url)) == 1)
    shown = masked(f"looking in {quote(url)}, https://pypi.example/simple")
    assert "sesame" not in shown
    assert f"***@{host}" in shown


def test_no_line_takes_long() -> None:
    started = time.monotonic()
    for part in ("a", "a.", " ", "@", "a@", "://", "a://", "=a", ":1", "a.b@", "://a/@", "://a.b@", "://a@b.c/"):
        masked(f"https://{part * 20_000}")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("https://me:secret@a.example", True),
        ("git+https://token@a.example", True),
        ("postgres://me@a.example", False),
        ("ssh://git@a.example", False),
        ("git+https://git@a.example/shop.git@v1", False),
        ("https://${USER}:${PASSWORD}@a.example", False),
        ("https://me:sec${RET}@a.example", True),
        ("https://me:$ecret@a.example", True),
        ("https://a.example:8443/@x", False),
    ],
)
def test_what_holds_a_password(text: str, holds: bool) -> None:
    assert holds_password(text) is holds


# What is published.


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://git.example/shop.git", "https://git.example/shop.git"),
        ("HTTPS://git.example", "https://git.example"),
        ("https://user:secret@git.example:8443/shop.git", "https://git.example:8443/shop.git"),
        ("https://token@git.example/shop.git?private_token=secret#x", "https://git.example/shop.git"),
        ("https://user:p@ss@git.example/shop.git", "https://git.example/shop.git"),
        ("https://user:sec/ret@git.example/shop.git", ""),
        ("https://user:12/34@git.example/shop.git", ""),
        ("https://user:12?34@git.example/shop.git", ""),
        ("https://user:12#34@git.example/shop.git", ""),
        ("https://git.example/a b", ""),
        ("https://git.example/a\\b", ""),
        ("https://", ""),
        ("http://git.example/shop.git", ""),
        ("ssh://git@git.example/shop.git", ""),
        ("git@git.example:team/shop.git", ""),
        ("user:secret@git.example:team/shop.git", ""),
        ("ext::ssh -i key git.example %S shop.git", ""),
        ("ext::https://user:secret@git.example", ""),
        ("file:///srv/shop.git", ""),
        ("/srv/shop.git", ""),
        ("", ""),
    ],
)
def test_only_plain_addresses_are_published(address: str, public: str) -> None:
    assert public_url(address) == public


@given(user=TEXTS, password=TEXTS, query=TEXTS, form=st.sampled_from(FORMS))
def test_nothing_but_host_and_path_is_ever_published(user: str, password: str, query: str, form: str) -> None:
    address = form.format(user=user, password=password, query=query)
    assert public_url(address) in ("", "https://git.example/shop.git")


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
