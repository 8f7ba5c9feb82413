from __future__ import annotations

import base64
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.registry import wire
from pystatic_tasks.oci.registry.client import Registry
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.retries import PassingError

from ...conftest import Asked, Reply, Server, errors

LAYER = Blob(media_type="application/vnd.oci.image.layer.v1.tar+gzip", content=b"a layer")
MANIFEST = Blob(media_type="application/vnd.oci.image.manifest.v1+json", content=b'{"a":   "manifest"}')
ME = Credentials(username="me", secret="word", source="a file")
BASIC = f"Basic {base64.b64encode(b'me:word').decode()}"
OK: Reply = (200, {}, b"")


def connect(server: Server, credentials: Credentials | None = None, said: list[str] | None = None) -> Registry:
    lines = said if said is not None else []
    return Registry(server.address, lambda _: credentials, lines.append, environment={}, pause=lambda _: None)


def replies(server: Server, answers: Mapping[str, Reply]) -> None:
    """Answer by the first of these that a request begins with."""
    server.reply = lambda asked: next((reply for start, reply in answers.items() if asked.line.startswith(start)), OK)


def uploads(server: Server, location: str = "/v2/shop/blobs/uploads/1?_state=a%2Bb") -> None:
    """A registry that has nothing and takes everything."""
    replies(
        server,
        {
            "HEAD ": (404, {}, b""),
            "POST ": (202, {"Location": location}, b""),
            "PUT ": (201, {}, b""),
        },
    )


def test_what_is_there_is_not_sent(server: Server) -> None:
    connected = connect(server)
    assert not connected.put_blob("team/shop", LAYER)
    assert server.lines == [f"HEAD /v2/team/shop/blobs/{LAYER.digest}"]
    assert connected.bytes_sent == 0


def test_a_blob_is_sent_to_where_the_registry_wants_it(server: Server) -> None:
    uploads(server)
    connected = connect(server)
    assert connected.put_blob("shop", LAYER)
    assert server.lines == [
        f"HEAD /v2/shop/blobs/{LAYER.digest}",
        "POST /v2/shop/blobs/uploads/",
        f"PUT /v2/shop/blobs/uploads/1?_state=a%2Bb&digest={LAYER.digest}",
    ]
    assert server.asked[-1].body == LAYER.content
    assert connected.bytes_sent == len(LAYER.content)


def test_a_place_may_be_a_whole_address(server: Server) -> None:
    uploads(server, location=f"http://{server.address}/elsewhere")
    connect(server).put_blob("shop", LAYER)
    assert server.lines[-1] == f"PUT /elsewhere?digest={LAYER.digest}"


def test_another_repository_may_give_what_it_has(server: Server) -> None:
    replies(server, {"HEAD ": (404, {}, b""), "POST ": (201, {}, b"")})
    assert not connect(server).put_blob("mirror/shop", LAYER, ["shop"])
    assert server.lines[-1] == (
        f"POST /v2/mirror/shop/blobs/uploads/?mount={urllib.parse.quote(LAYER.digest)}&from=shop"
    )


@pytest.mark.parametrize(("headers", "known"), [({}, False), ({"OCI-Subject": "sha256:x"}, True)])
def test_a_manifest_is_sent_byte_for_byte(server: Server, headers: Mapping[str, str], known: bool) -> None:
    replies(server, {"PUT ": (201, headers, b"")})
    assert connect(server).put_manifest("shop", "1.4", MANIFEST) is known
    (asked,) = server.asked
    assert (asked.line, asked.body) == ("PUT /v2/shop/manifests/1.4", MANIFEST.content)
    assert asked.headers["Content-Type"] == MANIFEST.media_type


@pytest.mark.parametrize(("reply", "content"), [((200, {}, b"{}"), b"{}"), ((404, {}, b"?"), None)])
def test_a_manifest_is_read_if_it_is_there(server: Server, reply: Reply, content: bytes | None) -> None:
    replies(server, {"GET ": reply})
    assert connect(server).get_manifest("shop", "sha256-0", "an/index") == content
    assert (server.lines, server.asked[0].headers["Accept"]) == (["GET /v2/shop/manifests/sha256-0"], "an/index")


# Who one is.


def wants(challenge: str, authorization: str) -> Callable[[Asked], Reply]:
    def reply(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") == authorization:
            return OK
        return 401, {"WWW-Authenticate": challenge}, errors("UNAUTHORIZED", "authentication required")

    return reply


def test_a_password_is_shown_once_it_is_asked_for_and_from_then_on(server: Server) -> None:
    server.reply = wants('Basic realm="a registry"', BASIC)
    connected = connect(server, ME)
    assert not connected.put_blob("shop", LAYER)
    assert not connected.put_blob("shop", MANIFEST)
    assert [each.headers.get("Authorization") for each in server.asked] == [None, BASIC, BASIC]


TEAMS = {name: Credentials(username=name, secret="word", source="a file") for name in ("a", "b")}


def team(asked: Asked) -> str:
    return asked.path.split("/")[2]


def shows(name: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:word'.encode()).decode()}"


def connect_teams(server: Server) -> Registry:
    """As Podman keeps them, which may have an account for a part of a registry."""
    return Registry(
        server.address,
        lambda repository: TEAMS[repository.partition("/")[0]],
        lambda _: None,
        environment={},
        pause=lambda _: None,
    )


def test_each_repository_is_shown_its_own_account(server: Server) -> None:
    server.reply = lambda asked: wants('Basic realm="a registry"', shows(team(asked)))(asked)
    connected = connect_teams(server)
    for repository in ("a/shop", "b/shop", "a/shop", "a/other"):
        assert not connected.put_blob(repository, LAYER)
    assert [(team(each), each.headers.get("Authorization")) for each in server.asked] == [
        ("a", None),
        ("a", shows("a")),
        ("b", None),
        ("b", shows("b")),
        ("a", shows("a")),
        ("a", None),
        ("a", shows("a")),
    ]


def test_a_repository_takes_from_another_of_its_account_alone(server: Server) -> None:
    def reply(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != shows(team(asked)):
            return 401, {"WWW-Authenticate": 'Basic realm="a registry"'}, b""
        return {"HEAD": (404, {}, b""), "POST": (202, {"Location": asked.path}, b"")}.get(asked.method, (201, {}, b""))

    server.reply = reply
    connected = connect_teams(server)
    connected.put_blob("a/shop", LAYER)
    connected.put_blob("b/shop", LAYER, ["a/shop"])
    connected.put_blob("b/other", LAYER, ["a/shop", "b/shop"])
    assert [each.path.partition("&")[2] for each in server.asked if each.method == "POST"] == ["", "", "from=b%2Fshop"]


@pytest.mark.parametrize("is_from_helper", [True, False])
def test_a_helper_may_give_another_secret_of_the_same_account_each_time(server: Server, is_from_helper: bool) -> None:
    def find(_: str) -> Credentials:
        given.append(
            Credentials(username="me", secret=f"{len(given)}", source="a source", is_from_helper=is_from_helper)
        )
        return given[-1]

    def reply(asked: Asked) -> Reply:
        if "Authorization" not in asked.headers:
            return 401, {"WWW-Authenticate": 'Basic realm="a registry"'}, b""
        return {"HEAD": (404, {}, b""), "POST": (202, {"Location": asked.path}, b"")}.get(asked.method, (201, {}, b""))

    given: list[Credentials] = []
    server.reply = reply
    connected = Registry(server.address, find, lambda _: None, environment={}, pause=lambda _: None)
    connected.put_blob("a", LAYER)
    connected.put_blob("b", LAYER, ["a"])
    mounts = [each.path.partition("&")[2] for each in server.asked if each.method == "POST"]
    assert mounts[-1] == ("from=a" if is_from_helper else "")


def tokens(server: Server, given: Mapping[str, object], status: int = 200) -> Callable[[Asked], Reply]:
    challenge = f'Bearer realm="http://{server.address}/token",service="a registry",scope="repository:shop:pull,push"'

    def reply(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            return status, {}, json.dumps(given).encode()
        return wants(challenge, "Bearer long")(asked)

    return reply


@pytest.mark.parametrize("name", ["token", "access_token"])
@pytest.mark.parametrize("credentials", [ME, None])
def test_a_password_is_exchanged_for_a_token_where_the_registry_wants_one(
    server: Server, name: str, credentials: Credentials | None
) -> None:
    server.reply = tokens(server, {name: "long"})
    assert not connect(server, credentials).put_blob("shop", LAYER)
    _, asked, again = server.asked
    assert asked.line == "GET /token?service=a+registry&scope=repository%3Ashop%3Apull%2Cpush"
    assert asked.headers.get("Authorization") == (BASIC if credentials else None)
    assert again.headers["Authorization"] == "Bearer long"


def test_an_identity_token_is_exchanged_for_another(server: Server) -> None:
    server.reply = tokens(server, {"access_token": "long"})
    credentials = Credentials(username="<token>", secret="identity", is_token=True, source="a file")
    assert not connect(server, credentials).put_blob("shop", LAYER)
    _, asked, _ = server.asked
    assert asked.line == "POST /token"
    assert "Authorization" not in asked.headers
    assert urllib.parse.parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "service": ["a registry"],
        "client_id": ["pystatic-tasks"],
        "refresh_token": ["identity"],
        "scope": ["repository:shop:pull,push"],
    }


def test_a_token_that_does_not_do_any_more_is_replaced(server: Server) -> None:
    server.reply = tokens(server, {"token": "long"})
    connected = connect(server, ME)
    connected.put_blob("shop", LAYER)
    expired = iter([(401, {"WWW-Authenticate": f'Bearer realm="http://{server.address}/token"'}, b"")])
    reply = server.reply
    server.reply = lambda asked: next(expired, reply(asked))
    assert not connected.put_blob("shop", LAYER)
    assert [each.method for each in server.asked] == ["HEAD", "GET", "HEAD"] * 2


def refused(server: Server, credentials: Credentials | None = None) -> str:
    with pytest.raises(PushError) as caught:
        connect(server, credentials).put_manifest("shop", "1", MANIFEST)
    return str(caught.value).replace(server.address, "registry.example")


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "Bearer", 'Bearer realm="{}/token"', "", "Negotiate"])
def test_a_password_that_is_not_there_is_said(server: Server, challenge: str) -> None:
    denied = wants(challenge.format(f"http://{server.address}"), "never")
    server.reply = lambda asked: (403, {}, b"") if asked.path.startswith("/token") else denied(asked)
    assert refused(server) == (
        "registry.example requires a password, but Docker's configuration has none for it.\n"
        "Log in: docker login registry.example."
    )


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize("is_token", [True, False])
def test_a_password_that_does_not_do_is_said(server: Server, status: int, is_token: bool) -> None:
    server.reply = tokens(server, {"token": ""}, status)
    credentials = Credentials(username="me", secret="word", is_token=is_token, source="/me/config.json")
    assert refused(server, credentials) == (
        "registry.example does not accept the password from /me/config.json; it may have expired.\n"
        "Log in: docker login registry.example."
    )


def test_a_password_that_a_registry_itself_refuses_is_said(server: Server) -> None:
    server.reply = wants('Basic realm="x"', "never")
    assert refused(server, ME) == (
        "registry.example does not accept the password from a file; it may have expired.\n"
        "Log in: docker login registry.example."
    )


def test_nobody_where_tokens_are_given_is_said(server: Server) -> None:
    server.reply = wants('Bearer realm="http://127.0.0.1:9/token"', "never")
    assert refused(server, ME) == (
        "127.0.0.1:9 cannot be reached: Connection refused.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again."
    )


def test_an_account_that_may_not_push_is_said(server: Server) -> None:
    replies(server, {"PUT ": (403, {}, errors("DENIED", "requested access to the resource is denied"))})
    assert refused(server, ME) == (
        "registry.example does not let you push to shop "
        "(403 DENIED: requested access to the resource is denied).\n"
        "Check that the repository exists and that your account may write to it; "
        "docker login registry.example switches to another account."
    )


def test_credentials_are_not_shown_to_where_a_blob_is_stored(server: Server) -> None:
    other = server.address.replace("127.0.0.1", "localhost")

    def reply(asked: Asked) -> Reply:
        if asked.headers["Host"] == other:
            return 201, {}, b""
        if asked.method == "POST":
            return 202, {"Location": f"http://{other}/store?signature=secret"}, b""
        if asked.headers.get("Authorization"):
            return 404, {}, b""
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""

    server.reply = reply
    connect(server, ME).put_blob("shop", LAYER)
    assert server.asked[-2].headers["Authorization"] == BASIC
    assert server.lines[-1] == f"PUT /store?signature=secret&digest={LAYER.digest}"
    assert "Authorization" not in server.asked[-1].headers


def test_what_netrc_has_is_left_there(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    connect(server, ME).put_blob("shop", LAYER)
    assert "Authorization" not in server.asked[0].headers


def test_what_netrc_has_is_left_there_where_one_is_redirected(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    elsewhere = f"http://{server.address.replace('127.0.0.1', 'localhost')}/there"
    server.reply = lambda asked: OK if asked.path == "/there" else (307, {"Location": elsewhere}, b"")
    connect(server, ME).put_blob("shop", LAYER)
    assert server.lines[-1] == "HEAD /there"
    assert "Authorization" not in server.asked[-1].headers


# What goes wrong.


@pytest.mark.parametrize("status", [400, 404, 405, 413])
def test_what_a_registry_does_not_take_is_said_with_its_reason(server: Server, status: int) -> None:
    replies(server, {"PUT ": (status, {}, errors("MANIFEST_INVALID", "manifest invalid"))})
    assert refused(server) == (
        f"registry.example does not accept the manifest of shop ({status} MANIFEST_INVALID: manifest invalid).\n"
        "Check that the repository exists, and read the registry's log."
    )


def test_what_a_registry_does_not_take_of_a_blob_is_said(server: Server) -> None:
    replies(server, {"HEAD ": (404, {}, b""), "POST ": (404, {}, b"")})
    with pytest.raises(PushError) as caught:
        connect(server).put_blob("shop", LAYER)
    assert caught.value.problem == f"{server.address} does not accept uploads to shop (404 Not Found)."
    replies(server, {"HEAD ": (404, {}, b""), "POST ": (202, {"Location": "/u"}, b""), "PUT ": (400, {}, b"")})
    with pytest.raises(PushError) as caught:
        connect(server).put_blob("shop", LAYER)
    assert caught.value.problem == f"{server.address} does not accept {LAYER.digest} into shop (400 Bad Request)."
    replies(server, {"HEAD ": (410, {}, b""), "GET ": (410, {}, b"")})
    with pytest.raises(PushError) as caught:
        connect(server).put_blob("shop", LAYER)
    assert caught.value.problem == f"{server.address} does not say whether shop has {LAYER.digest} (410 Gone)."
    with pytest.raises(PushError) as caught:
        connect(server).get_manifest("shop", "1", "x")
    assert caught.value.problem == f"{server.address} does not say what 1 of shop is (410 Gone)."


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_five_times(server: Server, status: int) -> None:
    replies(server, {"HEAD ": (status, {"Retry-After": "2"}, b"")})
    lines: list[str] = []
    with pytest.raises(PassingError) as caught:
        connect(server, said=lines).put_blob("shop", LAYER)
    assert len(server.asked) == 5
    assert [line.rpartition(" Trying again in ")[2] for line in lines] == ["2 s.", "2 s.", "2 s.", "4 s."]
    assert str(caught.value) == (
        f"{server.address} answered {status} {HTTPStatus(status).phrase}.\n"
        "Push again later: what the registry already has is not sent again."
    )


def busy_once() -> Iterator[Reply]:
    yield 503, {}, b""


def test_an_upload_that_failed_begins_anew(server: Server) -> None:
    uploads(server)
    reply, failures = server.reply, busy_once()
    server.reply = lambda asked: next(failures, reply(asked)) if asked.method == "PUT" else reply(asked)
    connected = connect(server)
    assert connected.put_blob("shop", LAYER)
    assert [each.method for each in server.asked] == ["HEAD", "POST", "PUT"] * 2
    assert connected.bytes_sent == 2 * len(LAYER.content)


def test_a_token_server_that_is_busy_is_asked_again(server: Server) -> None:
    reply, failures = tokens(server, {"token": "long"}), busy_once()
    server.reply = lambda asked: next(failures, reply(asked)) if asked.path.startswith("/token") else reply(asked)
    assert not connect(server, ME).put_blob("shop", LAYER)


def test_nothing_waits_forever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.05)

    def reply(asked: Asked) -> Reply:
        time.sleep(0.5)
        return OK

    server.reply = reply
    with pytest.raises(PassingError) as caught:
        connect(server).put_blob("shop", LAYER)
    assert caught.value.problem == f"{server.address} cannot be reached: no answer in time."


def test_a_registry_that_is_not_there_is_said() -> None:
    lines: list[str] = []
    nowhere = Registry("127.0.0.1:9", lambda _: None, lines.append, environment={}, pause=lambda _: None)
    with pytest.raises(PassingError) as caught:
        nowhere.put_blob("shop", LAYER)
    assert str(caught.value) == (
        "127.0.0.1:9 cannot be reached: Connection refused.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again."
    )
    assert len(lines) == 4
