from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.addresses import parse_address
from pystatic_tasks.oci.registry.answers import Answer
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.tokens import (
    Challenge,
    choose,
    parse_challenges,
    realm_address,
    token_in,
    token_request,
)

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


REGISTRY = parse_address("http://127.0.0.1:5000/v2/")


@pytest.mark.parametrize(
    ("field", "scheme"),
    [
        ('Basic realm="x"', "basic"),
        ('Negotiate abc=, Bearer realm="x", Basic realm="x"', "bearer"),
        ('Basic realm="x", Bearer realm="y"', "basic"),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_the_first_way_that_is_known_is_taken(field: str, scheme: str | None) -> None:
    challenge = choose(field, "registry.example")
    assert (challenge.scheme if challenge else None) == scheme


@pytest.mark.parametrize(
    ("realm", "url"),
    [
        ("https://a.example/token", "https://a.example/token"),
        ("127.0.0.1:5001/token", "http://127.0.0.1:5001/token"),
        ("", None),
    ],
)
def test_a_realm_may_do_without_a_scheme(realm: str, url: str | None) -> None:
    address = realm_address(bearer(realm=realm), REGISTRY, "registry.example")
    assert (address.url if address else None) == url


def test_a_realm_that_is_no_address_is_said() -> None:
    with pytest.raises(
        PushError, match=r"^The address that registry\.example gives in WWW-Authenticate cannot be used"
    ):
        realm_address(bearer(realm="https://me@a.example/token"), REGISTRY, "registry.example")


def bearer(**parameters: str) -> Challenge:
    return Challenge(scheme="bearer", parameters=parameters)


@pytest.mark.parametrize(("credentials", "headers"), [(ME, {"Authorization": BASIC}), (None, {})])
def test_a_password_is_shown_for_a_token(credentials: Credentials | None, headers: Mapping[str, str]) -> None:
    realm = parse_address("https://a.example/token?x=y")
    request = token_request(realm, bearer(service="a b", scope="shop:pull", other="z"), credentials)
    assert (request.method, request.headers, request.body) == ("GET", headers, b"")
    assert request.address.url == "https://a.example/token?x=y&service=a+b&scope=shop%3Apull"
    assert token_request(realm, bearer(), credentials).address == realm


def test_an_identity_token_is_sent_for_a_token() -> None:
    identity = Credentials(username="<token>", secret="ident&ity", is_token=True, source="a file")
    realm = parse_address("https://a.example/token")
    request = token_request(realm, bearer(service="a b"), identity)
    assert (request.method, request.address) == ("POST", realm)
    assert request.body == (b"grant_type=refresh_token&client_id=pystatic-tasks&refresh_token=ident%26ity&service=a+b")
    assert "ident" not in repr(request)


def test_challenges_without_end_are_not_read() -> None:
    with pytest.raises(PushError) as caught:
        choose("a," * 40_000, "registry.example")
    assert str(caught.value) == (
        "The WWW-Authenticate header of registry.example is longer than 64 KiB.\n"
        "Check the log of the registry, and any proxy in front of it."
    )


def token(content: bytes, status: int = 200) -> str:
    answer = Answer(address=REGISTRY, status=status, reason="", headers={}, content=content)
    return token_in(answer, "registry.example")


@pytest.mark.parametrize("given", [b"", b"<html>", b"\xff", b"[]", b"3", b'{"token": ["x"]}', b'{"token": 3}', b"{}"])
def test_an_answer_without_a_token_gives_none(given: bytes) -> None:
    assert token(given) == ""


def test_either_name_of_a_token_will_do() -> None:
    assert token(b'{"token": "", "access_token": "long"}') == "long"
    assert token(b'{"token": "long"}') == "long"
    assert token(b'{"token": "long"}', status=201) == ""
