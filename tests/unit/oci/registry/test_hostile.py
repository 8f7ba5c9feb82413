"""Against registries that mean harm: no secret leaves, and nothing goes on without end."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hostile import HANG_UP, HELLO_REQUESTS, OK, Heard, Hostile, answer

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.registry.addresses import parse_address
from pystatic_tasks.oci.registry.client import Registry
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.tls import speaks_tls, trusted
from pystatic_tasks.oci.registry.wire import Wire

from ...conftest import errors

LAYER = Blob(media_type="application/vnd.oci.image.layer.v1.tar+gzip", content=b"a layer")
MANIFEST = Blob(media_type="application/vnd.oci.image.manifest.v1+json", content=b'{"a":   "manifest"}')
PASSWORD = Credentials(username="me", secret="correct-horse", source="a file")
IDENTITY = Credentials(username="<token>", secret="correct-horse", is_token=True, source="a file")
SECRETS = ("correct-horse", base64.b64encode(b"me:correct-horse").decode(), "given-token")
KINDS = pytest.mark.parametrize("credentials", [PASSWORD, IDENTITY])

Push = Callable[[Registry], object]


def put_blob(registry: Registry) -> bool:
    return registry.put_blob("shop", LAYER)


def put_manifest(registry: Registry) -> bool:
    return registry.put_manifest("shop", "1", MANIFEST)


def get_manifest(registry: Registry) -> bytes | None:
    return registry.get_manifest("shop", "1", "an/index")


PUSHES = pytest.mark.parametrize("push", [put_blob, put_manifest, get_manifest])


def connect(place: Hostile | str, credentials: Credentials | None = PASSWORD) -> Registry:
    name = place if isinstance(place, str) else place.address
    return Registry(name, lambda _: credentials, lambda _: None, environment={}, pause=lambda _: None)


def put(place: Hostile | str, credentials: Credentials | None = PASSWORD) -> None:
    connect(place, credentials).put_manifest("shop", "1", MANIFEST)


def refused(place: Hostile | str, credentials: Credentials | None = PASSWORD) -> str:
    with pytest.raises(PushError) as caught:
        put(place, credentials)
    assert caught.value.exit_code == 8
    return str(caught.value).replace(place if isinstance(place, str) else place.address, "registry.example")


def bearer(realm: str) -> bytes:
    return answer(401, WWW_Authenticate=f'Bearer realm="{realm}"')


def no_secret(*servers: Hostile) -> None:
    for server in servers:
        assert [secret for secret in SECRETS if secret in server.said_to_it] == []


# Where secrets go.


def by_path(answers: dict[str, bytes], otherwise: bytes) -> Callable[[Heard], Iterable[bytes]]:
    return lambda heard: [next((each for part, each in answers.items() if part in heard.line), otherwise)]


@KINDS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_where_tokens_are_given_leads_nowhere_else(
    hostile: Hostile, other: Hostile, credentials: Credentials, status: int
) -> None:
    moved = answer(status, Location=f"http://{other.address}/token")
    hostile.behave = by_path({"/token": moved}, bearer(f"http://{hostile.address}/token"))
    refused(hostile, credentials)
    no_secret(other)


@KINDS
def test_another_host_does_not_say_where_tokens_are_given(
    hostile: Hostile, other: Hostile, credentials: Credentials
) -> None:
    hostile.behave = lambda heard: [answer(307, Location=f"http://{other.address}{heard.line.split()[1]}")]
    other.behave = lambda heard: [bearer(f"http://{other.address}/token")]
    refused(hostile, credentials)
    assert "/token" not in other.said_to_it
    no_secret(hostile, other)


@KINDS
def test_where_tokens_are_given_stays_the_same(hostile: Hostile, other: Hostile, credentials: Credentials) -> None:
    realms = itertools.chain([hostile.address], itertools.repeat(other.address))

    def behave(heard: Heard) -> Iterator[bytes]:
        is_for_token = "/token" in heard.line
        yield answer(200, b'{"token": "given-token"}') if is_for_token else bearer(f"http://{next(realms)}/token")

    hostile.behave = other.behave = behave
    registry = connect(hostile, credentials)
    for _ in range(2):
        with pytest.raises(PushError) as caught:
            registry.put_manifest("shop", "2", MANIFEST)
    no_secret(other)
    assert str(caught.value).replace(hostile.address, "registry.example").replace(other.address, "other.example") == (
        "registry.example first has tokens given at registry.example, and then at other.example.\n"
        "Ask the operator of the registry; nothing secret was sent to the second."
    )


@KINDS
@PUSHES
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_is_shown_to_the_registry_alone(
    hostile: Hostile, other: Hostile, credentials: Credentials, push: Push, status: int
) -> None:
    def behave(heard: Heard) -> Iterator[bytes]:
        if "/token" in heard.line:
            yield answer(200, b'{"token": "given-token"}')
        elif "authorization" in heard.headers:
            yield answer(status, Location=f"http://{other.address}{heard.line.split()[1]}")
        else:
            yield bearer(f"http://{hostile.address}/token")

    hostile.behave = behave
    other.behave = lambda heard: [answer(401, WWW_Authenticate='Basic realm="x"')]
    with pytest.raises(PushError):
        push(connect(hostile, credentials))
    assert "given-token" in hostile.said_to_it
    no_secret(other)


@KINDS
@pytest.mark.parametrize("status", [403, 418, 429, 500])
def test_what_it_was_shown_is_not_shown_again(hostile: Hostile, credentials: Credentials, status: int) -> None:
    def behave(heard: Heard) -> Iterator[bytes]:
        if "/token" in heard.line:
            yield answer(200, b'{"token": "given-token"}')
        elif "authorization" in heard.headers:
            echo = [{"code": "X", "message": each} for each in SECRETS]
            yield answer(status, json.dumps({"errors": echo}).encode())
        else:
            yield bearer(f"http://{hostile.address}/token")

    hostile.behave = behave
    lines: list[str] = []
    registry = Registry(hostile.address, lambda _: credentials, lines.append, environment={}, pause=lambda _: None)
    with pytest.raises(PushError) as caught:
        registry.put_manifest("shop", "1", MANIFEST)
    told = "\n".join([str(caught.value), *lines])
    assert "X: ***; X: " in told
    assert [each for each in SECRETS if each in told and each in hostile.said_to_it] == []


@KINDS
@pytest.mark.parametrize("status", [403, 418, 503])
def test_what_it_was_shown_before_is_not_shown_where_it_does_not_ask(
    hostile: Hostile, credentials: Credentials, status: int
) -> None:
    hostile.behave = lambda heard: [answer(status, errors("X", "no correct-horse"))]
    lines: list[str] = []
    registry = Registry(hostile.address, lambda _: credentials, lines.append, environment={}, pause=lambda _: None)
    with pytest.raises(PushError) as caught:
        registry.put_manifest("shop", "1", MANIFEST)
    told = [caught.value.problem, *lines]
    assert len(told) == (5 if status == 503 else 1)
    assert {f"{status} X: no ***" in each for each in told} == {True}


def test_nothing_that_it_says_is_shown_where_what_is_secret_cannot_be_found(hostile: Hostile, other: Hostile) -> None:
    asked: list[str] = []

    def find(repository: str) -> Credentials:
        asked.append(repository)
        raise PushError("The credentials could not be read.")

    hostile.behave = lambda heard: [answer(503, errors("X", "no correct-horse"))]
    lines: list[str] = []
    registry = Registry(hostile.address, find, lines.append, environment={}, pause=lambda _: None)
    with pytest.raises(PushError) as caught:
        registry.put_manifest("shop", "1", MANIFEST)
    said = f"{hostile.address} answered 503 *** (hidden: The credentials could not be read)."
    assert caught.value.problem == said
    assert lines[0] == f"{said} Trying again in 0.5 s."
    hostile.behave = lambda heard: [answer(307, Location=f"http://{other.address}/")]
    other.behave = lambda heard: [HANG_UP]
    with pytest.raises(PushError) as caught:
        registry.put_manifest("shop", "1", MANIFEST)
    assert caught.value.problem == "*** cannot be reached: the connection was cut."
    assert asked == ["shop"]


def to_whoever_logs_in(content: bytes) -> Callable[[Heard], Iterable[bytes]]:
    basic = answer(401, WWW_Authenticate="Basic")
    return lambda heard: [content if "authorization" in heard.headers else basic]


def test_what_it_was_shown_is_not_shown_as_a_digest(hostile: Hostile) -> None:
    hostile.behave = to_whoever_logs_in(answer(201, Docker_Content_Digest="sha256:correct-horse"))
    assert refused(hostile) == (
        f"registry.example took sha256:*** instead of {MANIFEST.digest}.\n"
        "Check the log of the registry, and any proxy in front of it."
    )


def test_what_it_was_shown_is_not_shown_as_a_host(hostile: Hostile, other: Hostile) -> None:
    secret = Credentials(username="me", secret="LocalHost", source="a file")
    there = f"localhost:{other.port}"
    places = {
        "http://localhost.example/x": "registry.example leads to ***.example without TLS.",
        f"http://{there}/": f"***:{other.port} cannot be reached: the connection was cut.",
        f"http://{there}/large": f"***:{other.port} sends more than 5 MB.",
        f"http://{there}/busy": f"***:{other.port} answered 503 Whatever.",
    }
    other.behave = by_path({"/large": answer(200, b"x" * 5_000_000), "/busy": answer(503)}, HANG_UP)
    for place, problem in places.items():
        hostile.behave = to_whoever_logs_in(answer(307, Location=place))
        assert refused(hostile, secret).splitlines()[0] == problem


def test_what_it_was_shown_is_not_shown_as_where_tokens_are_given(hostile: Hostile) -> None:
    realms = itertools.chain([hostile.address], itertools.repeat("localhost:1"))
    given = answer(200, b'{"token": "given-token"}')
    hostile.behave = lambda heard: [given if "/token" in heard.line else bearer(f"http://{next(realms)}/token")]
    registry = connect(hostile, Credentials(username="me", secret="LocalHost", source="a file"))
    for _ in range(2):
        with pytest.raises(PushError) as caught:
            registry.put_manifest("shop", "2", MANIFEST)
    assert caught.value.problem == (
        f"{hostile.address} first has tokens given at {hostile.address}, and then at ***:1."
    )


PLACES = pytest.mark.parametrize(
    "place", ["http://elsewhere.example/x", "http://LOCALHOST.ELSEWHERE.EXAMPLE./x", "http://[2001:db8::1]/x"]
)
NO_ADDRESSES = pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:1@elsewhere.example:80/x",
        "http://[/x",
        "http://b\xfccher.example/x",
        "http://0X7F000001/x",
        "file:///x",
    ],
)


def in_the_clear(place: str) -> str:
    host = place.partition("://")[2].partition("/")[0].lower().removesuffix(":80").removesuffix(".")
    return f"registry.example leads to {host} without TLS.\nUse a registry with TLS, or one on this machine."


def no_address(header: str) -> str:
    return (
        f"The address that registry.example gives in {header} cannot be used.\n"
        "Check the log of the registry, and any proxy in front of it."
    )


@KINDS
@PLACES
def test_nothing_goes_elsewhere_without_tls(hostile: Hostile, credentials: Credentials, place: str) -> None:
    hostile.behave = lambda heard: [bearer(place)]
    assert refused(hostile, credentials) == in_the_clear(place)
    hostile.behave = lambda heard: [answer(307, Location=place)]
    assert refused(hostile, credentials) == in_the_clear(place)
    hostile.behave = by_path({"/token": answer(307, Location=place)}, bearer(f"http://{hostile.address}/token"))
    refused(hostile, credentials)
    hostile.behave = by_path({"HEAD": answer(404), "POST": answer(202, Location=place)}, OK)
    with pytest.raises(PushError) as caught:
        connect(hostile).put_blob("shop", LAYER)
    assert str(caught.value).replace(hostile.address, "registry.example") == in_the_clear(place)


@NO_ADDRESSES
def test_an_address_that_is_none_is_said(hostile: Hostile, place: str) -> None:
    hostile.behave = lambda heard: [bearer(place.replace("\\", "\\\\"))]
    assert refused(hostile) == no_address("WWW-Authenticate")
    hostile.behave = lambda heard: [answer(307, Location=place)]
    assert refused(hostile) == no_address("Location")
    hostile.behave = by_path({"HEAD": answer(404), "POST": answer(202, Location=place)}, OK)
    with pytest.raises(PushError) as caught:
        connect(hostile).put_blob("shop", LAYER)
    assert str(caught.value).replace(hostile.address, "registry.example") == no_address("Location")


def test_a_registry_elsewhere_does_not_lead_to_this_machine(hostile: Hostile) -> None:
    registry = Registry("registry.example", lambda _: PASSWORD, lambda _: None, environment={}, pause=lambda _: None)
    with pytest.raises(PushError) as caught:
        registry._wire.ask("GET", parse_address(f"http://{hostile.address}/containers/json"), {})
    assert str(caught.value) == in_the_clear(f"http://{hostile.address}/")
    assert hostile.heard == []


@pytest.mark.parametrize("status", [301, 302, 303])
def test_what_is_sent_is_not_taken_by_an_answer_to_another_question(
    hostile: Hostile, other: Hostile, status: int
) -> None:
    hostile.behave = lambda heard: [answer(status, Location=f"http://{other.address}/fine")]
    assert refused(hostile) == (
        f"registry.example does not accept the manifest of shop ({status} Whatever).\n"
        "Check that the repository exists, and read the registry's log."
    )
    assert other.heard == []


@pytest.mark.parametrize("status", [307, 308])
def test_what_is_sent_is_sent_on(hostile: Hostile, other: Hostile, status: int) -> None:
    hostile.behave = lambda heard: [answer(status, Location=f"http://{other.address}/fine")]
    put(hostile)
    assert [(each.line, each.body) for each in other.heard] == [("PUT /fine", MANIFEST.content)]


def test_a_circle_ends(hostile: Hostile) -> None:
    hostile.behave = lambda heard: [answer(307, Location="/x")]
    assert refused(hostile) == (
        "registry.example redirects without end.\nCheck the log of the registry, and any proxy in front of it."
    )
    assert len(hostile.heard) == 6


def test_an_upload_without_a_place_is_said(hostile: Hostile) -> None:
    hostile.behave = by_path({"HEAD": answer(404), "POST": answer(202)}, OK)
    with pytest.raises(PushError) as caught:
        connect(hostile).put_blob("shop", LAYER)
    assert str(caught.value).replace(hostile.address, "registry.example") == no_address("Location")


@pytest.mark.parametrize("token", ["t\xf6ken", "t\u20acken", "a b", "a\r\nX-Evil: 1", "a\0b", "\x7f", "a" * 20_000])
def test_a_token_that_no_header_can_hold_is_said(hostile: Hostile, token: str) -> None:
    given = answer(200, json.dumps({"token": token}).encode())
    hostile.behave = by_path({"/token": given}, bearer(f"http://{hostile.address}/token"))
    assert refused(hostile) == (
        "registry.example did not return a valid token.\nCheck the log of the registry, and any proxy in front of it."
    )


OTHER_DIGESTS = pytest.mark.parametrize(
    "said", [f"sha256:{'0' * 64}", f"SHA256:{'0' * 64}", f"sha512:{'0' * 128}", f"x, sha256:{'0' * 64}", "x"]
)


def another_digest(hostile: Hostile, push: Push, answers: dict[str, bytes]) -> str:
    hostile.behave = by_path(answers, b"")
    with pytest.raises(PushError) as caught:
        push(connect(hostile))
    return str(caught.value).replace(hostile.address, "registry.example")


@OTHER_DIGESTS
@pytest.mark.parametrize(("push", "blob"), [(put_blob, LAYER), (put_manifest, MANIFEST)])
def test_another_digest_than_that_of_what_was_sent_is_said(hostile: Hostile, push: Push, blob: Blob, said: str) -> None:
    taken = answer(201, Docker_Content_Digest=said)
    answers = {"HEAD": answer(404), "POST": answer(202, Location="/u"), "PUT": taken}
    assert another_digest(hostile, push, answers) == (
        f"registry.example took {said} instead of {blob.digest}.\n"
        "Check the log of the registry, and any proxy in front of it."
    )


@OTHER_DIGESTS
def test_another_digest_than_that_of_what_is_there_is_said(hostile: Hostile, said: str) -> None:
    has = another_digest(hostile, put_blob, {"HEAD": answer(200, Docker_Content_Digest=said)})
    assert has.splitlines()[0] == f"registry.example has {said} instead of {LAYER.digest}."
    mounted = {"HEAD": answer(404), "POST": answer(201, Docker_Content_Digest=said)}
    took = another_digest(hostile, lambda registry: registry.put_blob("shop", LAYER, ["other"]), mounted)
    assert took.splitlines()[0] == f"registry.example took {said} instead of {LAYER.digest}."


@pytest.mark.parametrize("kind", ["sha256", "sha384", "sha512"])
def test_a_registry_may_know_what_it_has_by_another_kind_of_digest(hostile: Hostile, kind: str) -> None:
    known = f"{kind}:{hashlib.new(kind, LAYER.content).hexdigest()}"
    hostile.behave = by_path({"HEAD": answer(200, Docker_Content_Digest=known)}, b"")
    assert not connect(hostile).put_blob("shop", LAYER)


# What has no end.


DEEP = b"[" * 5_000 + b"]" * 5_000


@pytest.mark.parametrize("content", [DEEP, b'{"errors": ' + DEEP + b"}", b'{"token": ' + DEEP + b"}", b"1" * 10_000])
@PUSHES
def test_json_of_many_levels_is_none(hostile: Hostile, content: bytes, push: Push) -> None:
    hostile.behave = by_path({"/token": answer(200, content)}, bearer(f"http://{hostile.address}/token"))
    with pytest.raises(PushError):
        push(connect(hostile))
    hostile.behave = lambda heard: [answer(418, content)]
    with pytest.raises(PushError):
        push(connect(hostile))


def endless(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    yield from itertools.repeat(b"x" * 65536)


def endless_chunks(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_trailers(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    yield from itertools.repeat(b"X-More: again\r\n" * 4096)


def endless_promises(heard: Heard) -> Iterator[bytes]:
    yield from itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 4096)


def size_of_no_memory(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n"
    yield from itertools.repeat(b"x" * 65536)


def chunk_of_no_memory(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n"
    yield from itertools.repeat(b"x" * 65536)


def endless_errors(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 500 Error\r\n\r\n"
    yield from itertools.repeat(b"x" * 65536)


def more_than_memory(heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 3700000000\r\n\r\n"
    yield from itertools.repeat(b"x" * 65536)


@pytest.mark.parametrize(
    "behave",
    [
        endless,
        endless_chunks,
        endless_trailers,
        endless_promises,
        endless_errors,
        more_than_memory,
        size_of_no_memory,
        chunk_of_no_memory,
    ],
)
def test_an_answer_has_a_largest_size(hostile: Hostile, behave: Callable[[Heard], Iterator[bytes]]) -> None:
    hostile.behave = behave
    assert refused(hostile) == (
        "registry.example sends more than 5 MB.\nCheck that it is a registry, and read its log."
    )
    assert len(hostile.heard) == 1


def test_what_is_packed_stays_packed(hostile: Hostile) -> None:
    packed = answer(200, gzip.compress(b"\0" * 10_000_000), Content_Encoding="gzip")
    hostile.behave = lambda heard: [packed]
    found = connect(hostile).get_manifest("shop", "1", "an/index")
    assert found is not None
    assert len(found) < 20_000
    assert hostile.heard[0].headers["accept-encoding"] == "identity"


OF_MAILS = {
    "numbers and none": b"; boundary*=x; boundary*0=y",
    "a long number": b"; boundary*" + b"9" * 5000 + b"=x",
    "an encoding that is none": b"; boundary*=undefined'en'x",
    "what quotes and never ends": b'; a="' + (b";" * 65_000 + b"\r\n ") * 4,
    "ever more": b"\r\n ".join([b";" * 65_000] * 70),
}


@pytest.mark.parametrize("before", [b"", b"X: y\r", b"no header\r\n"])
@pytest.mark.parametrize("parameters", OF_MAILS.values(), ids=OF_MAILS)
def test_no_head_is_read_as_that_of_a_mail(hostile: Hostile, before: bytes, parameters: bytes) -> None:
    type_line = b"%bContent-Type: multipart/mixed%b\r\n" % (before, parameters)
    hostile.behave = lambda heard: [b"HTTP/1.1 404 No\r\n" + type_line + b"Content-Length: 0\r\n\r\n"]
    started = time.monotonic()
    assert connect(hostile).get_manifest("shop", "1", "an/index") is None
    assert time.monotonic() - started < 2


def test_a_header_may_go_on_in_another_line(hostile: Hostile) -> None:
    folded = (
        b'HTTP/1.1 401 No\r\nwww-authenticate:\r\n Bearer\r\n\trealm="http://%b/token"\r\nContent-Length: 0\r\n\r\n'
    )
    hostile.behave = by_path({"/token": answer(200, b'{"token": "given-token"}')}, folded % hostile.address.encode())
    refused(hostile)
    assert [each.line for each in hostile.heard][1].startswith("GET /token")


def a_byte_at_a_time(content: bytes) -> Callable[[Heard], Iterator[bytes]]:
    def behave(heard: Heard) -> Iterator[bytes]:
        for byte in content:
            yield bytes([byte])
            time.sleep(0.02)

    return behave


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200,
    ],
)
def test_an_answer_has_its_time(hostile: Hostile, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("pystatic_tasks.oci.registry.retries.DELAYS_SECONDS", ())
    hostile.behave = a_byte_at_a_time(content)
    started = time.monotonic()
    assert refused(hostile) == (
        "registry.example cannot be reached: no answer in time.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again."
    )
    assert time.monotonic() - started < 1


def test_a_name_of_many_addresses_has_its_time(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("pystatic_tasks.oci.registry.retries.DELAYS_SECONDS", ())
    find = socket.getaddrinfo
    with contextlib.ExitStack() as opened:
        deaf = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        silent = find("127.0.0.1", deaf.getsockname()[1], type=socket.SOCK_STREAM)

        def find_many(host: str, *arguments: Any, **options: Any) -> list[Any]:
            return silent * 50 if host == "many.example" else find(host, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", find_many)
        hostile.behave = lambda heard: [answer(307, Location="https://many.example/x")]
        started = time.monotonic()
        assert refused(hostile).splitlines()[0] == "many.example cannot be reached: no answer in time."
        assert 0.4 < time.monotonic() - started < 2


def test_each_address_of_a_name_is_tried(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    find = socket.getaddrinfo

    def find_two(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        found = find(host, port, *arguments, **options)
        return [*find(host, nobody, *arguments, **options), *found] if port == hostile.port else found

    monkeypatch.setattr(socket, "getaddrinfo", find_two)
    hostile.behave = lambda heard: [answer(404)]
    assert connect(hostile).get_manifest("shop", "1", "an/index") is None


def test_localhost_is_this_machine_alone(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked without TLS, by its name: wherever that leads, nobody else is shown a password."""
    find = socket.getaddrinfo
    places = ["203.0.113.9", "2001:db8::9"]

    def find_elsewhere(host: str, *arguments: Any, **options: Any) -> list[Any]:
        assert host == "localhost"
        return [each for place in places for each in find(place, *arguments, **options)]

    tried = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address[0])
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(socket, "getaddrinfo", find_elsewhere)
    monkeypatch.setattr("pystatic_tasks.oci.registry.retries.DELAYS_SECONDS", ())
    with pytest.raises(PushError) as caught:
        connect(f"localhost:{hostile.port}").get_manifest("shop", "1", "an/index")
    assert (tried, str(caught.value)) == (
        [],
        f"localhost:{hostile.port} cannot be reached: its name does not lead to this machine.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again.",
    )
    places.append("127.0.0.1")
    hostile.behave = lambda heard: [answer(404)]
    assert connect(f"localhost:{hostile.port}").get_manifest("shop", "1", "an/index") is None
    assert set(tried) == {"127.0.0.1"}


SECONDS_OF_FLOOD = 4


def flood(pause_seconds: float) -> Callable[[], Iterator[bytes]]:
    """Before anybody knows who speaks: no certificate is needed for it."""

    def send() -> Iterator[bytes]:
        end = time.monotonic() + SECONDS_OF_FLOOD
        while time.monotonic() < end:
            yield HELLO_REQUESTS
            time.sleep(pause_seconds)

    return send


def begin_tls(hostile: Hostile) -> str:
    name = "registry.example"
    address = parse_address(f"https://{hostile.address}/v2/")
    wire = Wire(name, address, lambda: trusted(name, {}), lambda _: None, lambda text: text)
    started = time.monotonic()
    with pytest.raises(PushError) as caught:
        wire.ask("GET", address, {})
    assert time.monotonic() - started < SECONDS_OF_FLOOD / 2
    return caught.value.problem.replace(hostile.address, "registry.example")


def test_what_is_sent_within_tls_has_a_largest_size(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.LARGEST_ANSWER_BYTES", 10**6)
    hostile.begin_tls = flood(0)
    assert begin_tls(hostile) == "registry.example sends more than 1 MB."


def test_what_is_sent_within_tls_has_its_time(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.CONNECT_SECONDS", 0.5)
    hostile.begin_tls = flood(0.05)
    assert begin_tls(hostile) == "registry.example cannot be reached: no answer in time."


@pytest.mark.parametrize("pause_seconds", [0, 0.05])
def test_whether_tls_is_spoken_is_known_in_time(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, pause_seconds: float
) -> None:
    monkeypatch.setattr("pystatic_tasks.oci.registry.tls.CONNECT_SECONDS", 0.5)
    hostile.begin_tls = flood(pause_seconds)
    started = time.monotonic()
    assert not speaks_tls(parse_address(f"https://{hostile.address}/v2/"))
    assert time.monotonic() - started < SECONDS_OF_FLOOD / 2


def test_what_is_not_read_is_not_sent_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("pystatic_tasks.oci.registry.tls.CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("pystatic_tasks.oci.registry.wire.SLOWEST_BYTES_PER_SECOND", 1e9)
    monkeypatch.setattr("pystatic_tasks.oci.registry.retries.DELAYS_SECONDS", ())
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        registry = connect(address)
        with pytest.raises(PushError) as caught:
            registry.put_manifest("shop", "1", Blob(media_type="x", content=bytes(20_000_000)))
    assert caught.value.problem == f"{address} cannot be reached: no answer in time."


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
    ],
)
def test_what_is_no_http_is_said(hostile: Hostile, content: bytes) -> None:
    hostile.behave = lambda heard: [content, HANG_UP]
    assert refused(hostile) == (
        "registry.example cannot be reached: what it answers is not HTTP.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again."
    )
