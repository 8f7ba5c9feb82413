from __future__ import annotations

import socket
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry import tls
from pystatic_tasks.oci.registry.tls import (
    bundles,
    causes,
    registry_address,
    trusted,
    why_unreachable,
    why_untrusted,
)
from pystatic_tasks.system import certificates


def test_a_registry_elsewhere_speaks_tls_or_is_not_used() -> None:
    assert registry_address("registry.example:80").url == "https://registry.example:80/v2/"


def test_what_does_not_speak_tls_on_this_machine_is_asked_without() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert registry_address(f"127.0.0.1:{port}").url == f"http://127.0.0.1:{port}/v2/"


@pytest.mark.parametrize("name", ["registry.example:99999", f"{'a' * 64}.example", "127.1", "me@registry.example"])
def test_a_name_that_is_none_of_a_registry_is_said(name: str) -> None:
    with pytest.raises(PushError) as caught:
        registry_address(name)
    assert str(caught.value) == (
        f'"{name}" is neither a valid host nor a host and port.\nCorrect the tag that names it.'
    )


def test_authorities_are_those_that_the_environment_and_docker_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CERTIFICATES_OF_REGISTRIES", (tmp_path,))
    folder = tmp_path / "registry.example:5000"
    folder.mkdir()
    for name in ("b.crt", "a.crt", "client.cert", "client.key"):
        (folder / name).touch()
    named = {"SSL_CERT_FILE": "/one.pem", "REQUESTS_CA_BUNDLE": "/two.pem", "CURL_CA_BUNDLE": "/three.pem"}
    assert list(bundles("registry.example:5000", named)) == [
        Path("/one.pem"),
        Path("/two.pem"),
        folder / "a.crt",
        folder / "b.crt",
    ]
    assert list(bundles("registry.example", {"SSL_CERT_FILE": ""})) == []


def test_an_openssl_that_finds_no_authorities_gets_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    there = tmp_path / "bundle.crt"
    there.touch()
    monkeypatch.setattr(certificates, "BUNDLES", (tmp_path / "nowhere.crt", there, there))
    monkeypatch.setattr(tls, "CERTIFICATES_OF_REGISTRIES", ())
    assert list(bundles("registry.example", {})) == [there]


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(PushError) as caught:
        trusted("registry.example", {"REQUESTS_CA_BUNDLE": str(path)})
    assert str(caught.value) == (
        f"Cannot read the certificates in {path}: No such file or directory.\n"
        "Correct the file, or the variable that names it."
    )
    path.write_text("no certificate", encoding="utf-8")
    with pytest.raises(PushError, match=r"^Cannot read the certificates in .*/ca\.pem: "):
        trusted("registry.example", {"REQUESTS_CA_BUNDLE": str(path)})


def test_a_folder_of_certificates_is_as_good_as_a_file(tmp_path: Path) -> None:
    assert trusted("registry.example", {"REQUESTS_CA_BUNDLE": str(tmp_path)}).verify_mode is ssl.CERT_REQUIRED


def wrapped(error: Exception) -> Exception:
    """An error as requests gives it: in another one, which is the argument of a third."""
    middle = ValueError("HTTPSConnectionPool(host='registry.example'): Max retries exceeded with url: /?_state=secret")
    middle.reason = error  # type: ignore[attr-defined]
    return RuntimeError(middle)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), "no answer in time"),
        (ValueError("/?_state=secret"), "the connection was cut"),
    ],
)
def test_why_there_was_no_answer_is_said_without_addresses(error: Exception, why: str) -> None:
    assert why_unreachable(wrapped(error)) == why
    assert why_untrusted(wrapped(error)) == ""


def test_why_a_certificate_was_refused_is_found() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    assert why_untrusted(wrapped(error)) == "certificate has expired"


def test_errors_that_come_from_each_other_are_looked_at_once() -> None:
    error = ValueError()
    error.args = (error,)
    assert list(causes(error)) == [error]
