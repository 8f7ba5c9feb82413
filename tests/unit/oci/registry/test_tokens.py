from __future__ import annotations

import json
import time

import pytest
import requests

from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.tokens import authorization, parse_challenges

from ...conftest import Server

ME = Credentials(username="me", secret="wörd", source="a file")
BASIC = "Basic bWU6d8O2cmQ="


REALM = {"realm": "https://a.example/token", "service": "a b"}


@pytest.mark.parametrize(
    ("field", "challenges"),
    [
        ("", []),
        ("Bearer", [("bearer", {})]),
        ('Bearer realm="https://a.example/token",service="a b"', [("bearer", REALM)]),
        ('bEARER  Realm = "https://a.example/token" ,, SERVICE="a b",', [("bearer", REALM)]),
        ('Bearer scope="shop:pull,push", error=invalid', [("bearer", {"scope": "shop:pull,push", "error": "invalid"})]),
        (r'Basic realm="say \"friend\" \\ enter"', [("basic", {"realm": r'say "friend" \ enter'})]),
        ('Basic realm=""', [("basic", {"realm": ""})]),
        ('Negotiate, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        ('NTLM YII+/x==, Bearer realm="y"', [("ntlm", {}), ("bearer", {"realm": "y"})]),
        ('Bearer realm="never ended', [("bearer", {})]),
        ('Bearer service="a"nd, realm="x"', [("bearer", {})]),
        ('Bearer realm=https://a.example/token, service="a"', [("bearer", {})]),
        ('realm="of nobody"', []),
        ('"Bearer" realm="x"', []),
    ],
)
def test_challenges_are_read_by_their_grammar(field: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    assert [(each.scheme, each.parameters) for each in parse_challenges(field)] == challenges


@pytest.mark.parametrize("field", ["a " * 30_000, " " * 60_000 + '"', "a" * 60_000 + '="', "a " + "=" * 60_000])
def test_a_field_as_long_as_any_is_read_at_once(field: str) -> None:
    before = time.process_time()
    parse_challenges(field)
    assert time.process_time() - before < 2


def ask(field: str, credentials: Credentials | None) -> str:
    with requests.Session() as session:
        return authorization(session, field, credentials, "http")


@pytest.mark.parametrize(
    ("field", "credentials", "shown"),
    [
        ('Basic realm="x"', ME, BASIC),
        ('Basic realm="x"', None, ""),
        ('Negotiate, basic realm="x"', ME, BASIC),
        ("Negotiate", ME, ""),
        ("Bearer", ME, ""),
        ('Bearer service="x"', None, ""),
        ("", ME, ""),
    ],
)
def test_a_password_is_shown_to_whoever_asks_for_one(field: str, credentials: Credentials | None, shown: str) -> None:
    assert ask(field, credentials) == shown


def test_the_first_way_that_is_known_is_taken(server: Server) -> None:
    server.reply = lambda asked: (200, {}, b'{"token": "long"}')
    bearer = f'Bearer realm="http://{server.address}/token"'
    assert ask(f'Negotiate abc=, {bearer}, Basic realm="x"', ME) == "Bearer long"
    assert ask(f'Basic realm="x", {bearer}', ME) == BASIC
    assert server.lines == ["GET /token"]


def test_a_realm_may_do_without_a_scheme(server: Server) -> None:
    server.reply = lambda asked: (200, {}, b'{"token": "long"}')
    assert ask(f'Bearer realm="{server.address}/token",service=x', None) == "Bearer long"
    assert server.lines == ["GET /token?service=x"]


@pytest.mark.parametrize("given", [b"", b"<html>", b"\xff", b"[]", b"3", b'{"token": ["x"]}', b'{"token": 3}', b"{}"])
@pytest.mark.parametrize("is_token", [True, False])
def test_an_answer_without_a_token_gives_none(server: Server, given: bytes, is_token: bool) -> None:
    server.reply = lambda asked: (200, {}, given)
    credentials = Credentials(username="me", secret="word", is_token=is_token, source="a file")
    assert ask(f'Bearer realm="http://{server.address}/"', credentials) == ""


def test_either_name_of_a_token_will_do(server: Server) -> None:
    server.reply = lambda asked: (200, {}, json.dumps({"token": "", "access_token": "long"}).encode())
    assert ask(f'Bearer realm="http://{server.address}/"', ME) == "Bearer long"


def test_nobody_where_tokens_are_given_is_no_missing_token() -> None:
    with pytest.raises(requests.RequestException):
        ask('Bearer realm="http://127.0.0.1:9/token"', ME)
