"""By way of a proxy, and what is logged; the rest is in test_hostile.py."""

from __future__ import annotations

import base64
import io
import itertools
import logging
import ssl

import pytest
from hostile import HANG_UP, Hostile
from urllib3.exceptions import SSLError

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.addresses import parse_address
from pystatic_tasks.oci.registry.answers import shown
from pystatic_tasks.oci.registry.client import Registry
from pystatic_tasks.oci.registry.wire import failure, proxy_to

PROXY = "http://me:w%40rd@127.0.0.1:{}"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def connect() -> Registry:
    return Registry("registry.example", lambda _: None, lambda _: None, environment={}, pause=lambda _: None)


def test_a_proxy_is_asked_for_a_tunnel(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY.format(hostile.port))
    hostile.behave = lambda heard: [b"HTTP/1.1 403 Forbidden\r\n\r\n", HANG_UP]
    with pytest.raises(PushError) as caught:
        connect().get_manifest("shop", "1", "an/index")
    assert caught.value.problem == "registry.example cannot be reached: the proxy answers 403."
    assert {each.line for each in hostile.heard} == {"CONNECT registry.example:443"}
    word = base64.b64encode(b"me:w@rd").decode()
    assert hostile.heard[0].headers["proxy-authorization"] == f"Basic {word}"


@pytest.mark.parametrize(
    "content", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 20x OK\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 100_000]
)
def test_a_proxy_that_answers_something_else_is_said(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY.format(hostile.port))
    hostile.behave = lambda heard: [content, HANG_UP]
    with pytest.raises(PushError) as caught:
        connect().get_manifest("shop", "1", "an/index")
    assert caught.value.problem == "registry.example cannot be reached: what the proxy answers is not HTTP."


def test_a_proxy_that_hangs_up_is_said(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY.format(hostile.port))
    hostile.behave = lambda heard: [HANG_UP]
    with pytest.raises(PushError) as caught:
        connect().get_manifest("shop", "1", "an/index")
    assert caught.value.problem == "registry.example cannot be reached: the connection was cut."


def test_a_proxy_has_the_same_limits(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY.format(hostile.port))
    hostile.behave = lambda heard: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    with pytest.raises(PushError) as caught:
        connect().get_manifest("shop", "1", "an/index")
    assert caught.value.exit_code == 8


@pytest.mark.parametrize(
    ("variables", "address", "proxy"),
    [
        ({}, "https://registry.example", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://registry.example", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://registry.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://registry.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://registry.example", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a,.example"}, "https://registry.example:5000", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://registry.example", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "other"}, "https://registry.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.1:5000", ""),
        ({"ALL_PROXY": "http://p:1"}, "https://[::1]", ""),
    ],
)
def test_a_proxy_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str, proxy: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_to(parse_address(address)) == proxy


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://[", "x://y", "http://me:word@", "http://:3128"])
def test_a_proxy_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(PushError) as caught:
        connect().get_manifest("shop", "1", "an/index")
    assert str(caught.value) == (
        "The proxy that the environment names for registry.example cannot be used.\n"
        "Correct the variable HTTPS_PROXY or ALL_PROXY: an address such as http://proxy.example:3128."
    )


def test_addresses_that_may_be_secret_are_not_logged(hostile: Hostile) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    hostile.behave = lambda heard: [b"HTTP/1.1 200 OK\r\nnot a header\r\n\r\n", HANG_UP]
    registry = Registry(hostile.address, lambda _: None, lambda _: None, environment={}, pause=lambda _: None)
    try:
        registry.get_manifest("shop", "1", "an/index")
    finally:
        logging.getLogger().removeHandler(handler)
    assert log.getvalue() == ""


def test_a_host_whose_certificate_is_not_trusted_is_shown_without_secrets() -> None:
    refusal = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refusal.verify_message = "Hostname mismatch, certificate is not valid for 'sesame.example'."
    address = parse_address("https://sesame.example/x")
    problem = failure("registry.example", address, SSLError(refusal), lambda text: shown(text, ["Sesame"])).problem
    assert problem == (
        "The certificate of ***.example is not trusted: Hostname mismatch, certificate is not valid for '***.example'."
    )
