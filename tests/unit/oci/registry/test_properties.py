"""Whatever a registry answers, what is said of it is an error of ours, and no secret goes anywhere else."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hostile import HANG_UP, Heard, Hostile, hostile_server
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from pystatic_tasks.config.rules import check_tag
from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.manifest import canonical
from pystatic_tasks.oci.references import names_registry, parse_reference
from pystatic_tasks.oci.registry.addresses import parse_address, resolve
from pystatic_tasks.oci.registry.answers import MOST_LEVELS, levels, parse_json
from pystatic_tasks.oci.registry.client import Registry
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.referrers import listed
from pystatic_tasks.oci.registry.tokens import parse_challenges

BLOB = Blob(media_type="a/blob", content=b"a blob")

HOSTS = st.sampled_from(
    ["127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "elsewhere.example", "b\xfccher.example", "127.1", "", "["]
) | st.text(alphabet="a1.-_:@[]\\/#?%\xe9", max_size=12)
ADDRESSES = st.text(max_size=30) | st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "//", "", "file://", "http:/", "http:\\\\"]),
    st.sampled_from(["", "me@", "me:word@", "127.0.0.1:1@", "localhost:x@"]),
    HOSTS,
    st.sampled_from(["", ":", ":80", ":0", ":99999", ":x", ":80@elsewhere.example"]),
    st.sampled_from(["", "/", "/token", "/a?b=c", "?b", "#c", "\\x", "/a b"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
WRITTEN = JSON.map(lambda content: json.dumps(content).encode())


@given(ADDRESSES)
def test_an_address_means_the_same_host_to_every_reader(text: str) -> None:
    with contextlib.suppress(ValueError):
        address = parse_address(text)
        assert parse_address(address.url) == address
        assert urlsplit(address.url).hostname == address.host
        assert (parse_url(address.url).host or "").strip("[]") == address.host
        assert (parse_url(address.url).auth, urlsplit(address.url).username) == (None, None)
        assert "@" not in urlsplit(text).netloc


@given(ADDRESSES)
def test_an_address_by_its_end_is_an_address_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        address = resolve(parse_address("https://registry.example/v2/"), text)
        assert parse_address(address.url) == address


@given(st.text() | st.from_regex(r'([A-Za-z]+ )?[a-z]+="([^"]|\\.)*"(,\s*[a-z]+=[a-z]+)*'))
def test_challenges_are_read_whatever_they_are(text: str) -> None:
    for challenge in parse_challenges(text):
        assert [challenge.scheme, *challenge.parameters] == [
            name.lower() for name in (challenge.scheme, *challenge.parameters)
        ]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


LINES = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=10)


@given(st.sampled_from(["Bearer", "basic", "X!"]), st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), LINES))
def test_a_challenge_is_read_as_it_was_written(scheme: str, parameters: dict[str, str]) -> None:
    written = ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
    (challenge,) = parse_challenges(f"{scheme} {written}")
    assert (challenge.scheme, challenge.parameters) == (scheme.lower(), parameters)


@given(st.binary() | WRITTEN | st.from_regex(rb'[\[\]{}:,"0-9a]*', fullmatch=True))
def test_json_can_be_written_again_or_is_none(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        parsed = parse_json(content)
        assert levels(parsed) <= MOST_LEVELS
        assert parse_json(canonical(parsed)) == parsed


@given(st.none() | st.binary() | WRITTEN.map(lambda content: b'{"manifests": ' + content + b"}"))
def test_a_list_takes_an_entry_whatever_it_was(there: bytes | None) -> None:
    index = listed(there, BLOB)
    assert index is None or listed(index.content, BLOB) is None


@given(
    st.text(max_size=20) | st.from_regex(r"\A[A-Za-z0-9.-]{1,12}(:[0-9]{1,6})?/[a-z0-9_/.-]{1,12}(:[\w.-]{1,12})?\Z")
)
def test_a_reference_is_read_as_it_was_written(text: str) -> None:
    with contextlib.suppress(ValueError):
        reference = check_tag(text)
        if names_registry(reference):
            assert str(parse_reference(reference)).replace("/library/", "/") == reference.replace("/library/", "/")


# A whole conversation, in which the registry answers anything.

GIVEN = "given-token"
SECRETS = ("correct-horse", base64.b64encode(b"me:correct-horse").decode())
CREDENTIALS = st.sampled_from(
    [Credentials(username="me", secret=SECRETS[0], is_token=is_token, source="a file") for is_token in (True, False)]
)
TEXT = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
STATUS = st.sampled_from([100, 200, 201, 202, 204, 301, 302, 303, 307, 308, 401, 403, 404, 418, 429, 500, 999])
CONTENT = st.binary(max_size=30) | WRITTEN | st.just(json.dumps({"token": GIVEN}).encode())


def places(here: str, elsewhere: str) -> st.SearchStrategy[str]:
    """Where an answer may lead: to the registry, to the other server by any of its names, or to nowhere."""
    bare = st.sampled_from([here, elsewhere, elsewhere.replace("127.0.0.1", "localhost"), f"{here}@{elsewhere}"])
    return st.builds("http://{}{}".format, bare, st.sampled_from(["/token", "/x?y=z", ""])) | ADDRESSES | st.just("/x")


def answers(here: str, elsewhere: str) -> st.SearchStrategy[bytes]:
    place = places(here, elsewhere)
    challenges = st.builds('Bearer realm="{}",service="{}"'.format, place, TEXT) | st.just('Basic realm="x"') | TEXT
    headers = st.fixed_dictionaries(
        {},
        optional={
            "Location": place,
            "WWW-Authenticate": challenges,
            "Docker-Content-Digest": st.just(BLOB.digest) | TEXT,
            "Retry-After": TEXT | st.just("9" * 400),
            "Content-Encoding": st.sampled_from(["gzip", "br", "x"]),
            "Transfer-Encoding": st.just("chunked"),
            "Content-Length": st.sampled_from(["-1", "1", "1, 2", "x", "9" * 30]),
            "Set-Cookie": TEXT,
            "Link": st.just(f'<http://{elsewhere}/next>; rel="next"'),
        },
    )
    return st.builds(written, STATUS, headers, CONTENT) | st.binary(max_size=50)


def written(status: int, headers: dict[str, str], content: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    if not {"Content-Length", "Transfer-Encoding"} & set(headers):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + content


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Hostile, Hostile]]:
    with hostile_server() as here, hostile_server() as elsewhere:
        yield here, elsewhere


@given(data=st.data(), credentials=CREDENTIALS)
def test_a_registry_that_answers_anything_gets_no_secret_for_others_and_no_traceback(
    servers: tuple[Hostile, Hostile], data: st.DataObject, credentials: Credentials
) -> None:
    here, elsewhere = servers
    script = iter(data.draw(st.lists(answers(here.address, elsewhere.address), min_size=1, max_size=6)))

    told = []

    def behave(heard: Heard) -> Iterator[bytes]:
        piece = next(script, HANG_UP)
        # What the other server says of itself counts for nothing.
        told.append(piece if heard in here.heard else b"")
        yield piece
        yield HANG_UP

    for server in servers:
        server.heard.clear()
        server.behave = behave
    registry = Registry(here.address, lambda _: credentials, lambda _: None, environment={}, pause=lambda _: None)
    for push in (
        lambda: registry.put_blob("shop", BLOB, ["other"]),
        lambda: registry.get_manifest("shop", "1", "an/x"),
    ):
        with contextlib.suppress(PushError):
            push()
    assert GIVEN not in elsewhere.said_to_it
    is_told = any(b"realm=" in each and str(elsewhere.port).encode() in each for each in told)
    assert is_told or not any(secret in elsewhere.said_to_it for secret in SECRETS)
