"""The configuration as data: one `Image` for each image to build.

Every field is one key of `[tool.pystatic-tasks]`, in kebab-case there.
The `doc` of a field is its reference text; `check` names the rule in `rules.py` that its value must pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

EngineName = Literal["auto", "docker", "podman", "sandbox"]
Layout = Literal["onefile", "tree"]
Compression = Literal["gzip", "zstd"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def key(doc: str, default: Any = None, *, check: str = "") -> Any:
    """A configuration key: its reference text, its default and the rule for its value."""
    metadata = {"doc": doc, "check": check}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """`[tool.pystatic-tasks.freeze]`: what goes into the program."""

    hidden_imports: tuple[str, ...] = key("Modules that are imported by name only.", ())
    excludes: tuple[str, ...] = key("Modules to leave out.", ())
    data: tuple[str, ...] = key('Data files, each "SOURCE:FOLDER-IN-THE-PROGRAM".', (), check="data")
    collect: tuple[str, ...] = key("Packages taken whole: modules, data and metadata.", ())
    metadata: tuple[str, ...] = key("Distributions whose metadata is read by a name put together at run time.", ())
    optimize: int = key("Level of bytecode optimization: 0, 1 or 2.", 2, check="optimize")
    strip: bool = key("Strip symbols from binaries where that is safe.", True)


@dataclass(frozen=True, kw_only=True)
class Staticx:
    """`[tool.pystatic-tasks.staticx]`: the static executable."""

    libraries: tuple[str, ...] = key("Shared libraries opened by name only: absolute paths.", ())
    strip: bool = key("Strip the C library and what else is taken from the system.", True)


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """`[tool.pystatic-tasks.image]`: the container image around the program."""

    compression: Compression = key("How layers are compressed.", "gzip")
    tags: tuple[str, ...] = key(
        "Tags, or whole references such as registry.example/shop:1.4.", ("latest",), check="tag"
    )
    user: str = key("User and group, both by number.", "65535:65535", check="user")
    env: Mapping[str, str] = key("Environment variables.", {}, check="env")
    labels: Mapping[str, str] = key("Labels, added to those from pyproject.toml and git.", {})
    ports: tuple[int, ...] | None = key("Ports to expose; those of server.bind unless given.", check="port")
    certificates: bool = key("Add the system's certificate authorities, for outbound TLS.", False)
    timezones: bool = key("Add the system's time zones.", False)
    files: Mapping[str, str] = key('More files: "/path/in/image" = "source".', {}, check="file")
    volumes: tuple[str, ...] = key("Folders for data: volumes, writable for every user.", (), check="folder")
    healthcheck: str | None = key('Path that a health check asks for, such as "/health".', check="path")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One of `smoke.requests`: what is asked, and what the answer must be."""

    path: str = key("Path and query.", "/", check="path")
    method: str = key("HTTP method.", "GET")
    headers: Mapping[str, str] = key("Request headers.", {}, check="headers")
    body: str | None = key("Request body.")
    status: int = key("Status that the answer must have.", 200, check="status")
    text: str | None = key("Text that the answer must contain.")
    json: Any = key("JSON that the answer must equal.", check="json")


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """`[tool.pystatic-tasks.smoke]`: how the image is proved."""

    engine: EngineName = key("What runs the image; auto takes the first that works.", "auto")
    requests: tuple[Request, ...] = key("What is asked of a web service.", (Request(),))
    command: tuple[str, ...] = key("Arguments for a program without HTTP.", ())
    stdout: str | None = key("Text that a program without HTTP must print.")
    exit_code: int = key("Exit code that a program without HTTP must end with.", 0, check="exit code")
    long_running: bool = key("The program without HTTP runs until TERM, which it gets once it printed `stdout`.", False)
    timeout: float = key("Seconds until the first answer, or until the program ends.", 30.0, check="seconds")
    memory: int = key("Memory limit.", 512_000_000, check="size")
    writable_tmp: bool = key("Make /tmp writable in the tree layout, for programs that need it.", False)


@dataclass(frozen=True, kw_only=True)
class Image:
    """`[tool.pystatic-tasks]`: one image to build.

    `root` is the folder that relative paths start from, `project` the folder of the
    project that is installed (the same, unless `install` names another).
    """

    root: Path
    project: Path
    name: str = key("Name of the image and of the program; the project's unless given.", "", check="name")
    app: str | None = key('WSGI or ASGI application, "package.module:callable" or "…:factory()".', check="app")
    script: str | None = key("Or a script.")
    command: str | None = key("Or a name from [project.scripts].")
    layout: Layout = key("How the program lies in the image.", "onefile")
    max_size: int | None = key('Budget: largest allowed size on disk, such as "9MB".', check="size")
    max_compressed_size: int | None = key("Budget: largest allowed size on the wire.", check="size")
    python: str | None = key("Interpreter to build with, as Nox names it; Nox's own unless given.")
    install: tuple[str, ...] = key("What pip installs to build with.", (".",))
    groups: tuple[str, ...] = key("Dependency groups of pyproject.toml to install too.", ())
    requirements: tuple[str, ...] = key("Requirements files to install too.", ())
    locked: bool = key("Install what uv.lock or pylock.toml names, where there is one.", True)
    server: Mapping[str, Any] = key("Settings of gunicorn, by their own names.", {}, check="json")
    freeze: Freeze = Freeze()
    staticx: Staticx = Staticx()
    image: ImageOptions = ImageOptions()
    smoke: Smoke = Smoke()

    project_name: str = ""

    @property
    def work(self) -> Path:
        """Folder of work files; may be deleted at any time."""
        return self.root / "build" / "pystatic" / self.name

    @property
    def dist(self) -> Path:
        """Folder of results."""
        return self.root / "dist" / "pystatic" / self.name

    @property
    def references(self) -> tuple[str, ...]:
        """The image's full references, in the order of `image.tags`."""
        return tuple(tag if "/" in tag or ":" in tag else f"{self.name}:{tag}" for tag in self.image.tags)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that a container gets."""
        found = {"SSL_CERT_FILE": CERTIFICATES} if self.image.certificates else {}
        return {**found, **self.image.env}
