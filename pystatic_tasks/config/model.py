"""The configuration as dataclasses: one `ImageConfig` for each image to build.

Every field is a key of `[tool.pystatic-tasks]`, in kebab-case there.
Its `doc` is the text in the reference (Markdown, with links relative to docs/) and in the JSON schema (plain text);
`check` names the rule in `rules.py` that its value must pass.
`nox -s docs` renews both.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pystatic_tasks.system.certificates import USUAL_BUNDLE

# The engines, each a module of its name in engines/, in the order in which "auto" tries them.
EngineName = Literal["docker", "podman", "nerdctl", "sandbox", "proot"]
ENGINE_NAMES: tuple[EngineName, ...] = typing.get_args(EngineName)
# An engine that keeps no images.
KEEPS_NO_IMAGES: EngineName = "sandbox"
EngineChoice = Literal["auto", EngineName]
# The packers, each a module of its name in packers/.
PackerName = Literal["launcher", "staticx"]
DEFAULT_PACKER: PackerName = "launcher"
# Packers whose executable needs a writable /tmp that may hold executables.
PACKERS_WITH_TMP: tuple[PackerName, ...] = ("staticx",)
# The servers, each a module of its name in in_image/servers/.
ServerKind = Literal["gunicorn", "uvicorn"]
SERVER_KINDS: tuple[ServerKind, ...] = typing.get_args(ServerKind)
SHOWN_KINDS = " or ".join(f'`"{kind}"`' for kind in SERVER_KINDS)
DEFAULT_SERVER: ServerKind = "gunicorn"
# The engines whose containers can freeze and pack a program.
ContainerEngine = Literal["docker", "podman"]
CONTAINER_ENGINES: tuple[ContainerEngine, ...] = typing.get_args(ContainerEngine)
HERE: Literal["here"] = "here"
BuildPlace = Literal["here", ContainerEngine]
Layout = Literal["onefile", "tree"]
# The variables that name the folder for temporary files, and a folder that every engine mounts writable.
TEMPORARY_VARIABLES = ("TMPDIR", "TMP", "TEMP")
SHARED_MEMORY = "/dev/shm"
USER_NAME = "nonroot"
Compression = Literal["gzip", "zstd"]


def key(
    doc: str,
    default: Any = None,
    *,
    unless: str = "",
    check: str = "",
    required: bool = False,
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """A configuration key.

    Args:
        doc: Its meaning, in whole sentences of Markdown.
        default: Its value if it is not given.
        unless: The default in words, if `default` does not say it all.
        check: The rule for its value.
        required: Whether it must be given; then it has no default.
        members: For a table with arbitrary keys: those that we define, each with its type and its field.
    """
    metadata = {"doc": doc, "unless": unless, "check": check, "required": required, "members": members}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Build:
    """`[tool.pystatic-tasks.build]`: where the program is frozen and packed."""

    place: BuildPlace = key(
        'Where: on this machine, which must run Linux (`"here"`), or on any system [in a container]'
        '(how-to.md#build-in-a-container) of `"docker"` or `"podman"`.',
        HERE,
    )
    image: str | None = key(
        "The container's image, whose Python is frozen; best pinned by digest.",
        unless="`python:X-slim` for the Python that `python` names, or else for the caller's",
        check="source",
    )
    arguments: tuple[str, ...] = key(
        "More arguments for the engine's `run`, such as `--network=host`.", (), check="argument"
    )


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """`[tool.pystatic-tasks.freeze]`: what goes into the program."""

    hidden_imports: tuple[str, ...] = key("Modules that are imported by name only.", ())
    excludes: tuple[str, ...] = key("Modules to leave out.", ())
    data: tuple[str, ...] = key(
        'Data files, each `"SOURCE:FOLDER-IN-THE-PROGRAM"`; a file that is listed is '
        "[never refused](guarantees.md#what-gets-in).",
        (),
        check="data",
    )
    collect: tuple[str, ...] = key("Packages taken whole: modules as bytecode, data and metadata.", ())
    metadata: tuple[str, ...] = key(
        "Distributions whose metadata, such as entry points, the program reads by a name put together at run time "
        "(literal names and the project's own are found; the versions of everything in the program are included).",
        (),
    )
    optimize: int = key(
        "Level of bytecode optimization; 2 leaves out assertions, and docstrings "
        "[that nothing reads](frameworks.md#frameworks-and-what-was-tried).",
        2,
        check="optimize",
    )
    strip: bool = key("Strip symbols from binaries if that is safe.", True)


@dataclass(frozen=True, kw_only=True)
class Staticx:
    """`[tool.pystatic-tasks.staticx]`: the static executable."""

    libraries: tuple[str, ...] = key(
        "Shared libraries that are opened by name only, as absolute paths; for every packer.", (), check="source"
    )
    strip: bool = key("Strip what StaticX takes from the system; `freeze.strip` decides about everything else.", True)


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """`[tool.pystatic-tasks.image]`: the container image around the program."""

    compression: Compression = key(
        'How layers are compressed: `"gzip"`, or `"zstd"` for [tools that read it](how-to.md#compress-with-zstd).',
        "gzip",
    )
    tags: tuple[str, ...] = key(
        'Tags, or whole references such as `"registry.example/shop:1.4"`.', ("latest",), check="tag"
    )
    user: str = key("User and group by number; never root.", "65535:65535", check="user")
    env: Mapping[str, str] = key("Environment variables; also set while the target is examined.", {}, check="image env")
    labels: Mapping[str, str] = key("Labels, added to those from pyproject.toml and git.", {}, check="labels")
    ports: tuple[int, ...] | None = key("Ports to expose.", unless="those that the server listens on", check="port")
    certificates: bool = key(
        "Add the system's certificate authorities, for [other services over TLS]"
        "(how-to.md#call-other-services-over-tls).",
        False,
    )
    timezones: bool = key("Add the system's time zones; UTC is in every image.", False)
    files: Mapping[str, str] = key(
        'More files: `"/path/in/image" = "source"`; a file that is listed is '
        "[never refused](guarantees.md#what-gets-in).",
        {},
        check="file",
    )
    volumes: tuple[str, ...] = key(
        "Folders for data: declared as volumes, writable for every user, new for each run of smoke.",
        (),
        check="folder",
    )
    healthcheck: str | None = key(
        'Path that a [health check](how-to.md#let-the-engine-check-the-services-health) requests, such as `"/health"`.',
        unless="none",
        check="path",
    )


@dataclass(frozen=True, kw_only=True)
class Request:
    """One of `smoke.requests`: a request, and what the answer must be."""

    path: str = key("Path and query.", "/", check="path")
    method: str = key("HTTP method.", "GET", check="method")
    headers: Mapping[str, str] = key("Headers.", {}, check="headers")
    body: str | None = key("Body.")
    status: int = key("Status that the answer must have.", 200, check="status")
    text: str | None = key("Text that the answer must contain.")
    json: Any = key("JSON that the answer must equal.", check="json")


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """`[tool.pystatic-tasks.smoke]`: how the image is checked."""

    engine: EngineChoice = key(
        'What runs the image: [an engine](#engines), or `"auto"` for the first that works.', "auto"
    )
    requests: tuple[Request, ...] = key("Requests to a web service.", (Request(),), unless='`[{ path = "/" }]`')
    command: tuple[str, ...] = key("Arguments for a program without HTTP.", (), check="argument")
    stdout: str | None = key("Text that a program without HTTP must print, to standard output or standard error.")
    exit_code: int = key("Exit code that a program without HTTP must end with.", 0, check="exit code")
    port: int | None = key(
        "TCP port at which a script or a command serves HTTP; it then gets the `requests`.",
        unless="none",
        check="port",
    )
    env: Mapping[str, str] = key(
        "Environment variables for smoke and [run](how-to.md#run-it-while-you-work-on-it) only, which are not in the "
        "image; "
        '`"$NAME"` takes the value of the caller\'s variable, and hides it in logs.',
        {},
        check="env",
    )
    long_running: bool = key(
        "The program without HTTP runs until it is told to stop: it gets TERM once it has printed `stdout`.", False
    )
    timeout: float = key(
        "Seconds until the first answer, for each one, or until the program ends.",
        30.0,
        check="seconds",
    )
    memory: int = key("Memory limit.", 512_000_000, unless='`"512MB"`', check="size")
    writable_tmp: bool = key(
        "Make `/tmp` writable: for temporary files that are too large for `/dev/shm`, and for programs that "
        "write into `/tmp` whatever `TMPDIR` says.",
        False,
    )


@dataclass(frozen=True, kw_only=True)
class Observe:
    """`[tool.pystatic-tasks.observe]`: the run of the plain program that shows what it needs."""

    requests: tuple[Request, ...] = key(
        "Requests in addition to `smoke.requests`, for what those do not reach; the answers are not judged.", ()
    )
    command: tuple[str, ...] = key(
        'A command that exercises the program too, such as `["pytest", "tests"]`, in the build environment and from '
        "the project's folder; a running service is at the address in `PYSTATIC_URL`.",
        (),
        check="argument",
    )
    env: Mapping[str, str] = key(
        "Environment variables for this run and the examination only, in addition to `smoke.env`; "
        '`"$NAME"` takes the value of the caller\'s variable.',
        {},
        check="env",
    )


@dataclass(frozen=True, kw_only=True)
class Slim:
    """`[tool.pystatic-tasks.slim]`: what [a slim image](slim.md) keeps."""

    keep: tuple[str, ...] = key(
        "Modules, packages, and data folders (with `/` at the end) to keep although nothing was seen to use them; "
        "patterns such as `email.*` too.",
        (),
        check="kept",
    )
    tls: bool = key(
        "Keep TLS; `false` leaves out `ssl` and OpenSSL, for services behind a proxy that call no other service "
        "over TLS. Needs no `pystatic.lock`.",
        True,
    )


@dataclass(frozen=True, kw_only=True)
class Service:
    """One of `services`: something that the program needs to run, such as a database."""

    name: str = key("Name in messages and of its log, such as `postgresql`.", check="service", required=True)
    command: tuple[str, ...] = key(
        "The program that serves, and its arguments; from the project's folder, in the foreground, until TERM ends it. "
        "Besides your variables it has `PYSTATIC_SERVICE_FOLDER`, a short path to a folder that is new each time and "
        "is removed afterwards, and `PYSTATIC_SERVICE_PORT`.",
        check="word",
        required=True,
    )
    port: int = key(
        "TCP port of 127.0.0.1 at which it listens; it is ready as soon as it accepts connections.",
        check="port",
        required=True,
    )
    timeout: float = key("Seconds until it is ready.", 60.0, check="seconds")


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """`[tool.pystatic-tasks]`: one image to build.

    `root` is the folder that paths are relative to; `project` is the folder of the
    project that is installed (the same, unless `install` names another).
    `platform` is the image's platform if it is built for several; then each platform has its own folders.
    """

    root: Path
    project: Path
    app: str | None = key(
        'WSGI or ASGI application: `"package.module:callable"` or `"package.module:factory()"`.', check="app"
    )
    script: str | None = key("Instead of `app`: a script, from the project's folder.", check="source")
    command: str | None = key(
        "Instead of `app`: a name from `[project.scripts]`, or a command of an installed package.", check="source"
    )
    name: str = key(
        "Name of the image and of the program.",
        "",
        unless="the project's, from `[project]`, `[tool.poetry]` or setup.cfg, or else its folder's",
        check="name",
    )
    layout: Layout = key(
        'How [the program lies in the image](layouts.md): as one static, self-extracting executable (`"onefile"`), '
        'or as plain files in four layers (`"tree"`).',
        "onefile",
    )
    packer: PackerName = key(
        "[What makes the one file](layouts.md#packers): our own launcher, or PyInstaller and StaticX.", DEFAULT_PACKER
    )
    max_size: int | None = key('Budget: largest allowed size on disk, such as `"9MB"`.', unless="none", check="size")
    max_compressed_size: int | None = key("Budget: largest allowed size on the wire.", unless="none", check="size")
    python: str | None = key("Interpreter to build with, as Nox names it.", unless="Nox's own", check="interpreter")
    install: tuple[str, ...] = key(
        "What pip installs to build with.",
        (".",),
        unless='`["."]`; `[]` if the folder is not a project',
        check="requirement",
    )
    groups: tuple[str, ...] = key("Dependency groups to install too.", ())
    requirements: tuple[str, ...] = key(
        "Requirements files to install too.",
        (),
        unless="`requirements.txt` if the folder is not a project",
        check="source",
    )
    locked: bool = key("Install the versions that `uv.lock` or `pylock.toml` names, if the project has one.", True)
    server: Mapping[str, Any] = key(
        "[Settings of the server](how-to.md#set-up-the-server), by its own names; `kind` chooses the server: "
        f"{SHOWN_KINDS}; `config` is the server's own configuration file, if it has one, which is frozen in "
        "(by default `gunicorn.conf.py`, if it exists).",
        {},
        check="server",
        members={"kind": (ServerKind, key("Which server serves the application.", DEFAULT_SERVER))},
    )
    services: tuple[Service, ...] = key(
        "[Services of this machine](how-to.md#start-a-database-first) for the run before the program is frozen, for "
        "smoke and for run: started in this order for each run, and stopped afterwards.",
        (),
    )
    observe: Observe = key("The run of the plain program that shows what it needs.", Observe())
    build: Build = key("Where the program is frozen and packed.", Build())
    freeze: Freeze = key("What goes into the program.", Freeze())
    slim: Slim = key("What a slim image keeps.", Slim())
    staticx: Staticx = key("The static executable.", Staticx())
    image: ImageOptions = key("The container image around the program.", ImageOptions())
    smoke: Smoke = key("How the image is checked.", Smoke())

    project_name: str = ""
    platform: str = ""

    @property
    def built(self) -> Path:
        """Folder of the work files of all images."""
        return self.root / "build" / "pystatic"

    @property
    def work(self) -> Path:
        """Folder of work files; may be deleted at any time."""
        return self.built / self.name / self.platform

    @property
    def dist(self) -> Path:
        """Folder of results."""
        return self.root / "dist" / "pystatic" / self.name / self.platform

    @property
    def used_packer(self) -> PackerName | None:
        """The packer that makes the executable; None for layouts without one."""
        return self.packer if self.layout == "onefile" else None

    @property
    def has_tmp(self) -> bool:
        """Whether it runs with a writable /tmp that may hold executables."""
        return self.used_packer in PACKERS_WITH_TMP or self.smoke.writable_tmp

    @property
    def server_kind(self) -> ServerKind:
        """The server that serves the application."""
        kind: ServerKind = self.server.get("kind", DEFAULT_SERVER)
        return kind

    @property
    def server_settings(self) -> dict[str, Any]:
        """The settings of the server, by its own names."""
        return {name: value for name, value in self.server.items() if name not in ("kind", "config")}

    @property
    def references(self) -> tuple[str, ...]:
        """The image's full references, in the order of `image.tags`."""
        return tuple(tag if "/" in tag or ":" in tag else f"{self.name}:{tag}" for tag in self.image.tags)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables in a container."""
        # Some engines run as a user number that /etc/passwd does not have; `getpass` looks at USER first.
        found = {"USER": USER_NAME}
        if self.image.certificates:
            found["SSL_CERT_FILE"] = USUAL_BUNDLE
        if not self.has_tmp and not any(name in self.image.env for name in TEMPORARY_VARIABLES):
            found["TMPDIR"] = SHARED_MEMORY
        return {**found, **self.image.env}


def shown(config: ImageConfig, path: Path) -> str:
    """A path as the user would type it in the project's folder."""
    return str(path.relative_to(config.root)) if path.is_relative_to(config.root) else str(path)
