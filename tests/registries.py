"""Real registries on this machine, and what stands between one and whoever pushes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import tool_or_skip

from pystatic_tasks.engines.base import call
from pystatic_tasks.in_env.web.client import free_port

FINE = 0  # The request goes through.
CUT = -1  # The connection ends in the middle of the request.


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Debian's docker-registry.

    Attributes:
        address: Host and port.
        folder: Where it stores what it gets.
    """

    address: str
    folder: Path

    def blobs(self) -> dict[str, int]:
        """The sizes of its blobs, in bytes."""
        return {path.parent.name: path.stat().st_size for path in self.folder.rglob("blobs/**/data")}

    def tags(self, repository: str) -> list[str]:
        folder = self.folder / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@contextlib.contextmanager
def running_registry(
    folder: Path, *, passwords: Mapping[str, str] | None = None, certificate: Path | None = None
) -> Iterator[Registry]:
    """A registry on a free port of 127.0.0.1.

    Args:
        folder: Where it stores what it gets; its log stands beside.
        passwords: By user, where it wants some.
        certificate: A file with its certificate and key, where it speaks TLS.
    """
    program = tool_or_skip("docker-registry")
    address = f"127.0.0.1:{free_port()}"
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder)}},
        "http": {"addr": address},
    }
    if certificate:
        config["http"]["tls"] = {"certificate": str(certificate), "key": str(certificate)}
    if passwords:
        import bcrypt

        lines = [
            f"{user}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}" for user, word in passwords.items()
        ]
        folder.with_suffix(".htpasswd").write_text("\n".join(lines) + "\n", encoding="utf-8")
        config["auth"] = {"htpasswd": {"realm": "a registry", "path": str(folder.with_suffix(".htpasswd"))}}
    folder.with_suffix(".yml").write_text(json.dumps(config), encoding="utf-8")
    with (
        folder.with_suffix(".log").open("w") as log,
        subprocess.Popen([program, "serve", str(folder.with_suffix(".yml"))], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: answers(f"{'https' if certificate else 'http'}://{address}/v2/"))
            yield Registry(address=address, folder=folder)
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5, context=ssl._create_unverified_context()).close()
    except urllib.error.HTTPError as error:
        error.close()
    return True


def wait_for(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if holds():
                return
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} seconds")


@dataclass(kw_only=True)
class Between:
    """Stands before a registry, counts what is sent to it, and fails when it is told to.

    Attributes:
        address: Host and port of this one.
        registry: Host and port of the registry.
        fate: What becomes of a request, by its method and path and how often there was such a one before:
            FINE, CUT, or a status of HTTP.
        seen: Methods and paths of all requests, without the last part of the path.
        sent_bytes: Sum of the bodies that reached it.
    """

    address: str
    registry: str
    fate: Callable[[str, int], int] = lambda asked, before: FINE
    seen: list[str] = field(default_factory=list)
    sent_bytes: int = 0


@contextlib.contextmanager
def standing_before(registry: Registry) -> Iterator[Between]:
    """A real proxy of HTTP on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def pass_on(self) -> None:
            asked = f"{self.command} {self.path.partition('?')[0].rpartition('/')[0]}"
            fate = between.fate(asked, between.seen.count(asked))
            between.seen.append(asked)
            length = int(self.headers.get("Content-Length", 0))
            if fate == CUT:
                self.rfile.read(length // 2)
                self.close_connection = True
                return
            body = self.rfile.read(length)
            between.sent_bytes += len(body)
            if fate != FINE:
                self.send_response(fate)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            connection = http.client.HTTPConnection(registry.address, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "connection", "date", "transfer-encoding"):
                    self.send_header(name, value)
            length_given = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length_given or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = pass_on  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    between = Between(address=f"127.0.0.1:{server.server_address[1]}", registry=registry.address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield between
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def tunnelling_proxy(certificate: Path, registry: Registry) -> Iterator[tuple[str, list[str]]]:
    """A proxy that speaks TLS, and knows every name as the registry's: its address, and what it was asked."""
    context, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[str]()
    context.load_cert_chain(certificate)

    def tunnel(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as near:
            asked.append(near.recv(65536).decode().partition(" HTTP")[0])
            host, _, port = registry.address.rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=copy, args=(far, near), daemon=True)
                back.start()
                copy(near, far)
                back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=tunnel, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, until nothing does."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def write_docker_config(folder: Path, content: Mapping[str, Any]) -> dict[str, str]:
    """Docker's configuration in a folder; the variables that lead to it, and to no other."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder), "XDG_RUNTIME_DIR": "", "REGISTRY_AUTH_FILE": ""}


def write_helper(folder: Path, name: str, lines: str) -> dict[str, str]:
    """A credential helper, a real program; the variable that has it found."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def pulled_by_platform(engine: str, reference: str) -> dict[str, str]:
    """Of which architecture an image is that an engine pulls, by the one that it is asked for; it is removed again."""
    # Docker takes a registry on this machine without TLS by itself.
    plain = ["--tls-verify=false"] if engine == "podman" else []
    found = {}
    try:
        for each in ("amd64", "arm64"):
            call(engine, "pull", *plain, "--platform", f"linux/{each}", reference)
            found[each] = call(engine, "image", "inspect", "--format", "{{.Architecture}}", reference).stdout.strip()
    finally:
        call(engine, "image", "rm", "--force", reference, check=False)
    return found
