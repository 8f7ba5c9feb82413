"""What unit tests of several rooms share: small images in archives, a server that answers as it is told, components."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from forked import Forked, forked
from hypothesis import HealthCheck, settings
from support import BUILT, BYTECODE, serving

from pystatic_tasks.in_env.attribution.bundled import cyclonedx_components
from pystatic_tasks.in_env.protocol import NO_NOTICES, Component
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.steps.results import Built

# With it, our modules would be compiled again by each process that a test starts, and the tests in each run.
os.environ.pop(BYTECODE, None)
sys.dont_write_bytecode = False

# How many examples a property is tried with: the same few in each run, and as many as one likes at night.
EXAMPLES = int(os.environ.get("PYSTATIC_TESTS_EXAMPLES", "25"))
# A machine that is busy fails no test, fixtures serve all examples of one, and nothing is left in the folder.
settings.register_profile(
    "tests",
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def python() -> Iterator[Forked]:
    """Runs Nox and our command line in processes of their own."""
    ours = (
        *("fronts.sessions.registration", "fronts.nox_process", "config.write", "steps.resolve.parse"),
        *("init", "init.check"),
    )
    with forked("nox", *(f"pystatic_tasks.{name}" for name in ours)) as made:
        yield made


Reply = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Writes an archive of a small image."""

    def write(path: str = "image.tar", *, platform: str = "linux/amd64", program: str = "/shop", **labels: str) -> Path:
        entries = {kind: [Entry(path=f"/{kind}", mode=0o755, content=kind.encode())] for kind in ("python", "project")}
        layers = [
            make_layer(kind, each, 0, {"gzip": partial(gzip.compress, mtime=0)}) for kind, each in entries.items()
        ]
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

    with serving(Handler) as (host, port):
        made = Server(address=f"{host}:{port}")
        yield made


def errors(code: str, message: str) -> bytes:
    """What registries say of an error."""
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


DIGEST = "1" * 64


@pytest.fixture
def built() -> Built:
    """An image."""
    return replace(BUILT, tags=("registry.example:5000/shop:latest",), digest=f"sha256:{DIGEST}")


@pytest.fixture(params=["/", "a b@c#d?e", "\N{BELL}", "<x>", "%00%2f", "x" * 400, "Bob (Bo) <b@x.org>", "NOASSERTION"])
def odd_components(request: pytest.FixtureRequest) -> list[Component]:
    """What a wheel may bring, and a project may be, that are made of an odd text."""
    text = request.param
    names = [{"name": text, "version": text}, {"name": "x", "purl": f"pkg:{text}/{text}@{text}?{text}={text}#{text}"}]
    names += [{"name": "y", "purl": f"pkg:pypi/{text}"}, {"name": text, "purl": f"pkg:PyPI/{text}"}]
    words = {"copyright": text, "author": text, "licenses": [{"expression": text}, {"license": {"id": text}}]}
    project = Component(
        kind="project", type="generic", name="shop", supplier=text, originator=text, licenses=(text,), copyright=text
    )
    return [project, *cyclonedx_components({"components": [{**name, **words} for name in names]})]


@pytest.fixture
def components() -> list[Component]:
    """One of each kind, sorted."""
    qualifiers = {"arch": "amd64", "distro": "debian-12", "upstream": "openssl@3.0.19-1"}
    return [
        Component(
            kind="system",
            type="deb",
            namespace="debian",
            name="libssl3",
            version="3.0.19-1+b1",
            qualifiers=qualifiers,
            licenses=("Apache-2.0", "Artistic or GPL-1+"),
            supplier="Debian OpenSSL Team <openssl@lists.example>",
            originator="The OpenSSL Project",
            copyright="1995-2020, The OpenSSL Project Authors\n1995-1998, Eric A. Young, Tim J. Hudson",
            libraries={"libcrypto.so.3": "c" * 64, "libssl.so.3": "d" * 64},
            files=("/lib/libssl.so.3", "/lib/libcrypto.so.3"),
        ),
        Component(
            kind="file", type="generic", name="libx.so", sha256="e" * 64, qualifiers={"checksum": f"sha256:{'e' * 64}"}
        ),
        Component(
            kind="interpreter",
            type="generic",
            name="python",
            version="3.13.0",
            licenses=("Python-2.0.1",),
            supplier="Python Software Foundation",
            copyright="Copyright (c) 2001-2024 Python Software Foundation.",
            sha256="a" * 64,
            cpe="cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*",
        ),
        Component(
            kind="project",
            type="generic",
            name="shop",
            version="1.4",
            supplier="Ada Größe <ada@shop.example>",
            copyright=NO_NOTICES,
            requires=("big-dep", "nowhere"),
        ),
        Component(
            kind="bundled",
            type="cargo",
            name="libm",
            version="0.2.15",
            licenses=("MIT/Apache-2.0",),
            supplier="Jorge Aparicio",
            inside=("big.dep",),
        ),
        Component(
            kind="distribution",
            type="pypi",
            name="Big_Dep",
            version="2.0",
            licenses=("MIT License", "Größe's own", "ISC OR MIT"),
            supplier="Big Inc. <dep@big.example>",
            originator="Grace Hopper",
            files=("/opt/b.pyc", "/opt/a.pyc"),
        ),
        Component(kind="distribution", type="pypi", name="gunicorn", version="27.0.1", licenses=("MIT OR Apache-2.0",)),
    ]
