"""What the tests of pushing share: small images in archives, and a server that answers as it is told."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.image.archive import write_archive
from pystatic_tasks.image.layers import make_layer
from pystatic_tasks.image.oci import Runtime, make_image
from pystatic_tasks.image.rootfs import Entry

Reply = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Writes an archive of a small image."""

    def write(path: str = "image.tar", *, platform: str = "linux/amd64", program: str = "/shop", **labels: str) -> Path:
        entries = {kind: [Entry(path=f"/{kind}", mode=0o755, content=kind.encode())] for kind in ("python", "project")}
        layers = [make_layer(kind, each, 0, {"gzip": zlib.compress}) for kind, each in entries.items()]
        runtime = Runtime(platform=platform, user="1:1", entrypoint=[program], env=[], ports=[], labels=labels)
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(write_archive(make_image(layers, runtime, 0, "gzip"), ["shop:latest"]))
        return target

    return write


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(kw_only=True)
class Server:
    """Answers by `reply`, and keeps what it was asked."""

    address: str
    reply: Callable[[Asked], Reply] = lambda asked: (200, {}, b"")
    asked: list[Asked] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [each.line for each in self.asked]


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(method=self.command, path=self.path, headers=dict(self.headers), body=body)
            made.asked.append(asked)
            status, headers, content = made.reply(asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Server(address=f"127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    http.shutdown()
    http.server_close()
    thread.join()


def errors(code: str, message: str) -> bytes:
    """What registries say of an error."""
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
