"""Images by the peers: their bases, what they are built of, and the builds."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.build import NOT_COPIED, REPOSITORY, run
from bench.containers import DEBIANS_PYTHON
from bench.peers.peer import HERE, Peer, Peers, Project, dockerfile, program
from bench.server import HOST, BenchError
from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.packers import all_packers
from pystatic_tasks.steps.tools import FREEZING_TOOLS

PREFIX = "pystatic-bench"
# Of a base: by what it was made.
LABEL = "pystatic-bench.recipe"
# For a build of a peer; Docker ends what nobody waits for.
PATIENCE_SECONDS = 480
# Debian 12, whose Python is 3.11: as in the Dockerfiles.
RELEASE = "bookworm"
# What an image of Debian leaves out too: https://github.com/debuerreotype/debuerreotype
NOT_IN_SLIM = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")
NOT_TAKEN = ("gunicorn.conf.py", "noxfile.py", "tests")
# What builds the projects, and what makes an environment of Debian's Python.
BUILD_REQUIREMENTS = ("hatchling", "setuptools", "wheel", "pip", "gunicorn")


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where all is built.

    Attributes:
        folder: On disk.
        peers: What peers.toml says.
    """

    folder: Path
    peers: Peers

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    def context(self, one: Project) -> Path:
        """The folder of a project as the peers see it."""
        return self.folder / one.name / "context"


def check_release(codename: str) -> None:
    """Raises BenchError if the machine, on which ours are built, is not what the peers are built on."""
    if codename != RELEASE:
        raise BenchError(
            f'The peers are built on Debian "{RELEASE}" with its Python, and this machine is "{codename}".'
        )


def dependencies(one: Project) -> list[str]:
    """What the project needs, and its server."""
    found: list[str] = read_pyproject(REPOSITORY / one.folder)["project"]["dependencies"]
    return [*found, "gunicorn"]


def gather_wheels(shop: Workshop, one: Project, peers: Sequence[Peer]) -> None:
    """All that is installed, as wheels in one folder; what is there already is not asked for again."""
    # Each tool for itself, so that it takes the versions that it wants.
    tools = {(tool,) for peer in peers for tool in peer.tools}
    ours = [*FREEZING_TOOLS, *(each for packer in all_packers() for each in packer.requirements)]
    groups = [(*BUILD_REQUIREMENTS, *ours, *dependencies(one)), *sorted(tools)]
    listed = shop.folder / "wheels.txt"
    known = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    missing = [group for group in groups if " ".join(group) not in known]
    if not missing:
        return
    environment = shop.folder / "wheels.environment"
    run([DEBIANS_PYTHON, "-m", "venv", "--clear", environment], shop.folder)
    for group in missing:
        run([environment / "bin/pip", "wheel", "--quiet", "--wheel-dir", shop.wheels, *group], shop.folder)
    shutil.rmtree(environment)
    listed.write_text("".join(f"{each}\n" for each in [*known, *map(" ".join, missing)]), encoding="utf-8")


@contextlib.contextmanager
def offering(wheels: Path, port: int) -> Iterator[str]:
    """The wheels at an address of this machine, the same each time: Docker takes another one for a change."""
    handler = functools.partial(Quiet, directory=str(wheels))
    with http.server.ThreadingHTTPServer((HOST, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{port}/"
        finally:
            server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of what is asked."""

    def log_message(self, *_: object) -> None:
        pass


def make_bases(shop: Workshop, one: Project, peers: Sequence[Peer]) -> None:
    """The images that those of the peers begin with, unless they are there."""
    texts = [dockerfile(peer, one, shop.peers.stages) for peer in peers]
    wanted = {base for text in texts for base in bases_of(text)}
    if "distroless" in wanted:
        wanted |= bases_of((HERE / "distroless.Dockerfile").read_text(encoding="utf-8"))
    for name in sorted(wanted & set(shop.peers.bases)):
        packages = shop.peers.bases[name]
        if recipe_of(f"{PREFIX}:{name}") != recipe(packages):
            debootstrap(shop, name, packages)
    made_of = recipe([(HERE / "distroless.Dockerfile").read_text(encoding="utf-8"), *shop.peers.bases["python"]])
    if "distroless" in wanted and recipe_of(f"{PREFIX}:distroless") != made_of:
        named = ["--tag", f"{PREFIX}:distroless", "--label", f"{LABEL}={made_of}"]
        run(["docker", "build", *named, "--file", HERE / "distroless.Dockerfile", HERE], shop.folder)


def recipe(ingredients: Sequence[str]) -> str:
    """By what it is known that a base is made of these."""
    return hashlib.sha256(json.dumps([RELEASE, NOT_IN_SLIM, ingredients]).encode()).hexdigest()


def recipe_of(image: str) -> str:
    """By what a base was made; "" if there is none."""
    labels = settings_of_image(image).get("Labels") if is_there(image) else None
    return str((labels or {}).get(LABEL, ""))


def bases_of(text: str) -> set[str]:
    """The names of the bases in a Dockerfile."""
    return set(re.findall(rf"^FROM {PREFIX}:(\S+)", text, re.MULTILINE))


def is_there(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def debootstrap(shop: Workshop, name: str, packages: Sequence[str]) -> None:
    """A minimal Debian with packages of it."""
    root = shop.folder / f"debian-{name}"
    shutil.rmtree(root, ignore_errors=True)
    downloaded = shop.folder / "packages"
    downloaded.mkdir(exist_ok=True)
    options = ["--variant=minbase", f"--include={','.join(packages)}", f"--cache-dir={downloaded}"]
    run(["debootstrap", *options, RELEASE, root], shop.folder)
    for each in NOT_IN_SLIM:
        shutil.rmtree(root / each)
    archive = shop.folder / f"debian-{name}.tar"
    run(["tar", "--create", "--file", archive, "--directory", root, "."], shop.folder)
    label = f"LABEL {LABEL}={recipe(packages)}"
    run(["docker", "import", "--change", label, archive, f"{PREFIX}:{name}"], shop.folder)
    shutil.rmtree(root)
    archive.unlink()


def copy_project(one: Project, folder: Path) -> None:
    """Copy what a project has, but the configuration of its server: everybody's is the same, and without a database."""
    ignore = shutil.ignore_patterns(*NOT_TAKEN)
    shutil.copytree(REPOSITORY / one.folder, folder, ignore=lambda *each: {*ignore(*each), *NOT_COPIED(*each)})


def lay_out(shop: Workshop, one: Project) -> None:
    """The project, with what a Dockerfile needs of it beside it."""
    context = shop.context(one)
    shutil.rmtree(context, ignore_errors=True)
    copy_project(one, context)
    (context / "requirements.txt").write_text("".join(f"{each}\n" for each in dependencies(one)), encoding="utf-8")
    (context / "serve.py").write_text(program(one), encoding="utf-8")
    shutil.copy(HERE / "libraries.sh", context)


def image_of(key: str, one: Project) -> str:
    """The name in Docker of an image of a project."""
    return f"{PREFIX}-{one.name}:{key}"


def build(shop: Workshop, peer: Peer, one: Project, address: str, *options: str) -> float:
    """Build the image of a peer.

    Args:
        shop: Where.
        peer: By which.
        one: Of which project.
        address: Where the wheels are.
        options: Of `docker build`.

    Returns:
        Seconds that it took.

    Raises:
        BenchError: it failed, or took too long.
    """
    file = shop.folder / one.name / f"{peer.key}.Dockerfile"
    file.write_text(dockerfile(peer, one, shop.peers.stages), encoding="utf-8")
    places = ["--build-arg", f"PIP_FIND_LINKS={address}"]
    named = ["--tag", image_of(peer.key, one), "--file", file]
    started = time.monotonic()
    command = ["docker", "build", "--network", "host", *places, *named, *options, shop.context(one)]
    run(command, shop.folder, PATIENCE_SECONDS)
    return time.monotonic() - started


def change_a_line(source: Path) -> None:
    """Add a line to a module that nobody has seen."""
    with source.open("a", encoding="utf-8") as file:
        file.write(f"CHANGED = {time.time_ns()}\n")


def save(image: str, archive: Path) -> None:
    run(["docker", "save", "--output", archive, image], archive.parent)


def settings_of_image(image: str) -> dict[str, Any]:
    """What `docker inspect` says of its configuration."""
    words = ["docker", "image", "inspect", "--format", "{{json .Config}}", image]
    found: dict[str, Any] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return found


def export(image: str, root: Path) -> None:
    """Unpack an image, as an engine sees it."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    made = subprocess.run(["docker", "create", image], capture_output=True, text=True, check=True).stdout.strip()
    try:
        archive = root.with_suffix(".tar")
        run(["docker", "export", "--output", archive, made], root)
        run(["tar", "--extract", "--file", archive, "--directory", root], root)
        archive.unlink()
    finally:
        subprocess.run(["docker", "rm", made], capture_output=True, check=False)
