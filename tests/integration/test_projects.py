"""Ordinary projects, as people have them: each is built, run and asked, as one file or as a tree.

With PYSTATIC_TESTS_EVERYWHERE each is in both layouts and in every engine that is here, and packed by StaticX too.
"""

from __future__ import annotations

import http.server
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import EVERYWHERE, REPOSITORY, Project, tool_or_skip

from pystatic_tasks import load_config
from pystatic_tasks.config.model import DEFAULT_PACKER, Layout, PackerName, Request
from pystatic_tasks.engines import Container, Policy, choose_engine, make_artifact
from pystatic_tasks.in_env.web.client import Answer, free_port, send
from pystatic_tasks.oci.archive import Written
from pystatic_tasks.oci.reading.images import open_layers
from pystatic_tasks.steps.logged_errors import logged_errors
from pystatic_tasks.steps.smoke.probes import wait_until_ready

if TYPE_CHECKING:
    import trustme

PROJECTS = REPOSITORY / "tests" / "projects"
LAYOUTS: tuple[Layout, ...] = ("tree", "onefile")
# Each folder with the images that it makes.
IMAGES = {
    "compiled": ["compiled-checks"],
    "flask_shop": ["flask-shop"],
    "flask_single": ["flask-single"],
    "django_notes": ["django-notes"],
    "bottle_clock": ["bottle-clock"],
    "plain_wsgi": ["plain-wsgi"],
    "fastapi_shop": ["fastapi-shop"],
    "starlette_live": ["starlette-live"],
    "starlette_chat": ["starlette-chat"],
    "falcon_inventory": ["acme-inventory"],
    "typer_greet": ["typer-greet"],
    "queue_worker": ["queue-worker"],
    "batteries": ["batteries-app"],
}
ENGINES = ("sandbox", "docker", "podman") if EVERYWHERE else ("sandbox",)
BY_STATICX = IMAGES if EVERYWHERE else ["flask_shop"]
# Some with modules of machine code, some without a server; a tree is made sooner.
AS_ONE_FILE = ("flask_shop", "plain_wsgi", "fastapi_shop", "typer_greet", "queue_worker")
IN_BOTH = ("starlette_chat", "batteries")
LAID_OUT = [
    (name, layout)
    for name in IMAGES
    for layout in LAYOUTS
    if EVERYWHERE or name in IN_BOTH or (name in AS_ONE_FILE) is (layout == "onefile")
]
AUTHORITY_IN_IMAGE = "/etc/ssl/private-authority.pem"


@dataclass(frozen=True)
class Built:
    """What came of one project in one layout: what Nox printed, and the manifests of each image."""

    printed: str
    images: Mapping[str, Mapping[str, Any]]
    sboms: Mapping[str, Mapping[str, Any]]
    reports: Mapping[str, Mapping[str, Any]]


def build(name: str, root: Path, layout: Layout, packer: PackerName) -> Built:
    """Build and smoke-test it where it lies; the environment is shared by the layouts."""
    project = Project(root, backend="uv")
    words = ("-s", "smoke", "--", "--layout", layout, "--engine")
    printed = "".join(project.nox(*words, engine, PYSTATIC_TASKS_PACKER=packer) for engine in ENGINES)
    folders = {image: root / "dist" / "pystatic" / image for image in IMAGES[name]}
    for folder in folders.values():
        shutil.copy(folder / "image.tar", folder / f"{layout if packer == DEFAULT_PACKER else packer}.tar")
    return Built(
        printed=printed,
        images={image: read(folder / "image.json") for image, folder in folders.items()},
        sboms={image: read(folder / "sbom.cdx.json") for image, folder in folders.items()},
        reports={image: read(folder / "smoke.json") for image, folder in folders.items()},
    )


def read(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@dataclass(frozen=True)
class Workshop:
    """Builds a project when a test first asks for it, each in a folder of its own."""

    folder: Path
    builds: dict[tuple[str, Layout, PackerName], Built]

    def root(self, name: str) -> Path:
        return self.folder / name / "project"

    def built(self, name: str, layout: Layout, packer: PackerName = DEFAULT_PACKER) -> Built:
        if (name, layout, packer) not in self.builds:
            if not self.root(name).exists():
                lay_out(name, self.root(name))
            self.builds[name, layout, packer] = build(name, self.root(name), layout, packer)
        return self.builds[name, layout, packer]


def lay_out(name: str, root: Path) -> None:
    """Put the project's sources there."""
    shutil.copytree(PROJECTS / name, root)
    if name == "flask_shop":
        make_worktree(root)
    if name == "batteries":
        add_authority(root)


def make_worktree(root: Path) -> None:
    """Make the folder a work tree of a repository that lies elsewhere."""
    git = ["git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    repository = root.with_name("repository")
    root.rename(repository)
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"], ["worktree", "add", "-q", str(root)]):
        subprocess.run([*git, *command], cwd=repository, check=True, capture_output=True)


@cache
def private_authority() -> trustme.CA:
    import trustme  # Only installed where integration tests are run.

    return trustme.CA()


def add_authority(root: Path) -> None:
    """Put a certificate authority of the test's own into the image."""
    private_authority().cert_pem.write_to_path(str(root / "authority.pem"))
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'image.files = {{ "{AUTHORITY_IN_IMAGE}" = "authority.pem" }}\n')


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    tool_or_skip("uv")
    return Workshop(folder=tmp_path_factory.mktemp("projects with spaces"), builds={})


@pytest.mark.parametrize(("name", "layout"), LAID_OUT)
def test_it_keeps_its_contract(name: str, layout: Layout, workshop: Workshop) -> None:
    built = workshop.built(name, layout)
    assert "FAILED" not in built.printed
    for image in IMAGES[name]:
        assert built.images[image]["layout"] == layout
        assert built.reports[image]["passed"]
        sizes = built.images[image]
        print(f"| {image} | {layout} | {sizes['size_bytes'] / 1e6:.2f} | {sizes['compressed_bytes'] / 1e6:.2f} |")


@pytest.mark.parametrize("packer", ["staticx"])
@pytest.mark.parametrize("name", BY_STATICX)
def test_as_staticx_packs_it_it_keeps_its_contract_and_is_larger(
    name: str, packer: PackerName, workshop: Workshop
) -> None:
    launched = workshop.built(name, "onefile")
    built = workshop.built(name, "onefile", packer)
    assert "FAILED" not in built.printed
    for image in IMAGES[name]:
        assert built.reports[image]["passed"]
        assert built.images[image]["size_bytes"] > launched.images[image]["size_bytes"]


@pytest.mark.parametrize(("name", "layout"), LAID_OUT)
def test_every_file_in_its_image_belongs_to_a_component(name: str, layout: Layout, workshop: Workshop) -> None:
    built = workshop.built(name, layout)
    for image in IMAGES[name]:
        archive = workshop.root(name) / "dist" / "pystatic" / image / f"{layout}.tar"
        files = [f"/{member.name}" for layer in open_layers(archive) for member in layer if member.kind != "folder"]
        components = built.sboms[image]["components"]
        occurrences = [each.get("evidence", {}).get("occurrences", []) for each in components]
        located = [occurrence["location"] for each in occurrences for occurrence in each]
        assert sorted(each for each in located if "!/" not in each) == sorted(files)
        # What wheels bundle is theirs, and what packages brought has their names: no file is left over.
        with_files = [each for each, places in zip(components, occurrences, strict=True) if places]
        assert [each["name"] for each in with_files if each.get("purl", "").startswith("pkg:generic/lib")] == []


@contextmanager
def running(root: Path, layout: Layout, env: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The built image of a project, started with more variables; where it answers."""
    with started(root, layout, env) as container:
        assert wait_until_ready(container, container.address(), "/", timeout=60), container.output()
        yield container.address()


@contextmanager
def started(root: Path, layout: Layout, env: Mapping[str, str], **changes: Any) -> Iterator[Container]:
    """The built image of a project, started with more variables; `changes` are those of its artifact."""
    [image] = load_config(root)
    image = replace(image, layout=layout)
    built = read(root / "build" / "pystatic" / image.name / "image.json")["result"]
    written = Written(digest=built["digest"], image_id=built["image_id"], references=built["tags"])
    artifact = make_artifact(image, written=written, ports=built["server_ports"])
    # What was built last may be of the other layout.
    archive = image.dist / f"{layout}.tar"
    policy = Policy(user="65535:65535", writable_tmp=layout == "onefile", memory_bytes=image.smoke.memory)
    container = choose_engine("sandbox").start(
        replace(artifact, archive=archive, written=None, env={**artifact.env, **env}, **changes), policy, []
    )
    try:
        yield container
    finally:
        container.remove()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["starlette_chat"])
def test_uvicorn_goes_by_the_variables_and_ends_by_term(name: str, layout: Layout, workshop: Workshop) -> None:
    workshop.built(name, layout)
    port = free_port()
    env = {"PORT": str(port), "WEB_CONCURRENCY": "3", "UVICORN_HOST": "127.0.0.1"}
    with started(workshop.root(name), layout, env, port=None) as container:
        address = ("127.0.0.1", port)
        assert wait_until_ready(container, address, "/", timeout=60), container.output()
        assert container.execute(["--healthcheck", "/health"]) == 0
        assert container.execute(["--healthcheck", "/missing"]) == 1
        # What the settings did not lead to was left out.
        assert container.execute(["--http", "h11", "--port", str(free_port())]) == 2
        processes = {json.loads(ask(address, "/worker").body)["process"] for _ in range(100)}
        assert 1 < len(processes) <= 3
        end = container.stop(10)
        output = container.output()
    assert end.code == 0
    assert end.seconds < 5
    assert output.count("Started server process") == 3
    assert list(logged_errors(output, "uvicorn")) == []


def ask(address: tuple[str, int], path: str) -> Answer:
    return send(Request(path=path), address, timeout=30)


class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello over TLS")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def tls_server() -> Iterator[str]:
    """A server of 127.0.0.1 whose certificate only the private authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private_authority().issue_cert("localhost").configure_cert(context)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Greeting) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["batteries"])
def test_other_services_are_called_over_tls(name: str, layout: Layout, workshop: Workshop, tls_server: str) -> None:
    workshop.built(name, layout)
    trust = {"SSL_CERT_FILE": AUTHORITY_IN_IMAGE, "REQUESTS_CA_BUNDLE": AUTHORITY_IN_IMAGE}
    with running(workshop.root(name), layout, {"TARGET_URL": tls_server, **trust}) as address:
        expected = {"status": 200, "text": "hello over TLS"}
        assert json.loads(ask(address, "/urllib").body) == expected
        assert json.loads(ask(address, "/requests").body) == expected
    with running(workshop.root(name), layout, {"TARGET_URL": tls_server}) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in ask(address, "/urllib").body + ask(address, "/requests").body
