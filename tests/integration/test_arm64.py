"""Programs for arm64, built and run on it, as far as qemu is it, and images for it and for this machine at once."""

from __future__ import annotations

import gzip
import json
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import elftools
import packed
import pytest
from emulation import Emulation, Machine, debootstrap, emulation, install, let_install
from own_debian import own_debian
from registries import Registry, pulled_by_platform, running_registry
from support import (
    REPOSITORY,
    SHOP_BY_HATCHLING,
    Project,
    copy_repository,
    engine_or_skip,
    only_everywhere,
    tool_or_skip,
    validate,
    write_project,
)

from pystatic_tasks.engines import Engine
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.packers import launcher as packer

# What the tests need beside the smallest Debian, and so much of it as a Python needs to run.
PACKAGES = (
    *("binutils", "git", "libpython3.11", "media-types", "openssh-client", "python3-venv"),
    "tzdata",
)
BUILD = """
from pathlib import Path
import packed
from pystatic_tasks.in_env.pack import launcher as pack_launcher
pack_launcher.LEVEL = 3
made = Path("/made")
packed.pack(packed.lay_out(made), made / "shop", made / "kept")
"""


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulation]:
    with emulation() as made:
        yield made


@pytest.fixture(scope="module")
def installed(emulated: Emulation, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A Debian 12."""
    root = tmp_path_factory.mktemp("arm64") / "installed"
    debootstrap(root, PACKAGES)
    machine = emulated.enter(root)
    install(machine)
    return machine


# A program in one file.


@pytest.fixture(scope="module")
def program(installed: Machine) -> Path:
    """A small program in one file, made by a Python of arm64."""
    given, made = installed.root / "given", installed.root / "made"
    given.mkdir()
    made.mkdir()
    shutil.copytree(Path(elftools.__file__).parent, given / "elftools")
    for name in ("pystatic_tasks", "tests/packed.py"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copyfile
        copy(REPOSITORY / name, given / Path(name).name)
    wheel = (tool_or_skip("uv"), "pip", "install", "--quiet", "--python-platform", "aarch64-manylinux2014")
    of_python = ("--python-version", "3.11", "--only-binary", ":all:", "--target", str(given))
    subprocess.run([*wheel, *of_python, "zstandard==0.25.0"], check=True)
    installed.run("python3.11", "-c", BUILD, PYTHONPATH="/given")
    return made / packed.NAME


@only_everywhere
@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_the_launcher_starts_a_program_whatever_the_size_of_pages(page: int, program: Path, installed: Machine) -> None:
    show = (
        "import json, os, subprocess, unicodedata; "
        "again = subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True); "
        "print(json.dumps([os.uname().machine, os.sysconf('SC_PAGESIZE'), again.stdout, sys.argv[0]]))"
    )
    printed = installed.run("/made/shop", show, QEMU_PAGESIZE=str(page))
    assert json.loads(printed) == ["aarch64", page, "42\n", "/made/shop"]


# A machine of arm64.


@pytest.fixture(scope="module")
def built(installed: Machine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results of the sample app that is built there as the README says, by layout."""
    project = copy_repository(installed.root / "home" / "pystatic-tasks")
    kept = tmp_path_factory.mktemp("built")
    for layout in ("onefile", "tree"):
        script = f"cd /home/pystatic-tasks && ./nox.sh -s smoke -- --layout {layout}"
        installed.run("sh", "-c", script, **let_install(installed.root))
        shutil.copytree(project.result("."), kept / layout)
    return {layout: kept / layout for layout in ("onefile", "tree")}


@only_everywhere
@pytest.mark.parametrize("layout", ["onefile", "tree"])
def test_the_sample_holds_its_contract_on_arm64(layout: str, built: dict[str, Path]) -> None:
    image, smoked = (json.loads((built[layout] / name).read_text()) for name in ("image.json", "smoke.json"))
    assert (image["platform"], image["layout"]) == ("linux/arm64", layout)
    assert (smoked["engine"], smoked["passed"], smoked["digest"]) == ("sandbox", True, image["digest"])
    assert "staticx" not in image["built_with"]["tools"]


@only_everywhere
def test_both_machines_have_one_image(
    built: dict[str, Path], sample: Project, docker: Engine, podman: Engine, tmp_path: Path
) -> None:
    archives = (sample.result("image.tar"), built["onefile"] / "image.tar")
    with running_registry(tmp_path / "registry") as registry:
        reference = f"{registry.address}/sample-app:1.4"
        words = [word for path in archives for word in ("--archive", str(path))]
        sample.nox("-s", "index", "--", *words, "--tag", reference)
        made = sample.manifest("index.json")
        validate(made, "index.schema.json")
        assert made["references"] == [f"{registry.address}/sample-app@{made['digest']}"]
        assert {each["platform"]: each["digest"] for each in made["platforms"]} == {
            "linux/amd64": sample.manifest("image.json")["digest"],
            "linux/arm64": json.loads((built["onefile"] / "image.json").read_text())["digest"],
        }
        check_pulled(reference, docker, podman)


def check_pulled(reference: str, *engines: Engine) -> None:
    """Everybody finds the image of each platform."""
    for engine in engines:
        assert pulled_by_platform(engine.name, reference) == {"amd64": "amd64", "arm64": "arm64"}
    for architecture in ("amd64", "arm64"):
        asked = ("skopeo", "inspect", "--tls-verify=false", "--override-arch", architecture, f"docker://{reference}")
        found = subprocess.run(asked, capture_output=True, check=True).stdout
        assert json.loads(found)["Architecture"] == architecture


# Both at once.


SHOP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"one for all"]
"""
PYPROJECT = (
    SHOP_BY_HATCHLING
    + """only-include = ["shop.py"]
[tool.pystatic-tasks]
app = "shop:app"
layout = "tree"
smoke.requests = [{ path = "/", text = "one for all" }]
build.place = "podman"
build.arguments = ["--network=host", "--volume=/sys:/sys:ro"]
"""
)
# What containers may have where they are in a user namespace: no network but that of the machine, and no /sys but its.
CONTAINERS = """
[containers]
netns = "host"
default_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""
STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
REGISTRIES = """
[[registry]]
location = "{address}"
insecure = true
"""
BOTH = ("--platform", "linux/amd64,linux/arm64", "--engine", "sandbox")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def own_podman(emulated: Emulation, registry: Registry, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a Podman of its own, where programs for arm64 run."""
    tool_or_skip("podman")
    folder = tmp_path / "podman"
    folder.mkdir()
    texts = {
        "CONTAINERS_CONF": CONTAINERS,
        "CONTAINERS_STORAGE_CONF": STORAGE,
        "CONTAINERS_REGISTRIES_CONF": REGISTRIES,
    }
    for name, text in texts.items():
        (folder / name).write_text(text.format(folder=folder, address=registry.address), encoding="utf-8")
    yield {name: str(folder / name) for name in (*texts, "CONTAINERS_REGISTRIES_CONF")}
    emulated.run("sh", "-c", 'umount "$0/storage/overlay" 2> /dev/null; rm -rf "$0"', folder)


@pytest.fixture
def base(
    emulated: Emulation, installed: Machine, own_podman: dict[str, str], registry: Registry, tmp_path: Path
) -> str:
    """An image to build in, of Debian, in the registry and for both."""
    let_install(installed.root)
    (tmp_path / "amd64.tar").write_bytes(own_debian())
    emptied = ("home", "dev", "proc", "tmp", "usr/share/locale", "usr/share/man", "var/lib/apt/lists")
    left_out = [f"--exclude=./{each}/*" for each in emptied]
    emulated.run("tar", "-C", installed.root, *left_out, "-cf", tmp_path / "arm64.tar", ".")
    podman, place = ("podman",), f"{registry.address}/base:1"
    emulated.run(*podman, "manifest", "create", place, **own_podman)
    for each in ("amd64", "arm64"):
        emulated.run(*podman, "import", "--arch", each, tmp_path / f"{each}.tar", f"base-{each}", **own_podman)
        emulated.run(*podman, "manifest", "add", place, f"containers-storage:localhost/base-{each}", **own_podman)
    emulated.run(*podman, "manifest", "push", "--all", place, f"docker://{place}", **own_podman)
    emulated.run(*podman, "image", "rm", "--all", "--force", **own_podman)
    return place


@only_everywhere
@pytest.mark.skipif(platform.machine() != "x86_64", reason="this machine is of arm64 itself")
def test_one_command_builds_for_both_and_one_pushes_both(
    base: str, emulated: Emulation, own_podman: dict[str, str], registry: Registry, tmp_path: Path
) -> None:
    shop = write_project(tmp_path / "shop", {"pyproject.toml": PYPROJECT, "shop.py": SHOP}, "shop")

    def nox(session: str, *words: str) -> str:
        variables = ("env", f"PYSTATIC_TASKS_BUILD_IMAGE={base}", *map("=".join, own_podman.items()))
        noxfile = str(shop.root / "noxfile.py")
        command = (*variables, sys.executable, "-m", "nox", "-f", noxfile, "-s", session, "--", *BOTH, *words)
        return shop.run(*emulated.command(*command))

    printed = nox("smoke")
    places = {each: shop.result(f"linux/{each}") for each in ("amd64", "arm64")}
    for architecture, place in places.items():
        image, smoked = (json.loads((place / name).read_text()) for name in ("image.json", "smoke.json"))
        assert image["platform"] == f"linux/{architecture}"
        assert (smoked["passed"], smoked["digest"]) == (True, image["digest"])
        assert f"nox > shop for linux/{architecture}\n" in printed
    joined = shop.manifest("index.json")
    assert (
        f"nox > dist/pystatic/shop/index.tar: shop:latest {joined['digest']} for linux/amd64, linux/arm64\n" in printed
    )
    reference = f"{registry.address}/shop:1.4"
    again = nox("push", "--tag", reference)
    assert again.count("nox > build environment is up to date\n") == 2
    pushed = shop.manifest("index.json")
    validate(pushed, "index.schema.json")
    assert f"{registry.address}/shop@{pushed['digest']}\n" in again
    assert [each["digest"] for each in pushed["platforms"]] == [
        json.loads((places[each] / "image.json").read_text())["digest"] for each in ("amd64", "arm64")
    ]
    assert all(each["sbom"] for each in pushed["platforms"])
    check_pulled(reference)


# Without an emulator.


@pytest.fixture(params=["docker", "podman"])
def foreign_base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An engine of this machine, and the smallest image for arm64 that it could build from."""
    engine_or_skip(request.param)
    if platform.machine() != "x86_64" or Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("this machine runs programs for arm64")
    name = f"localhost/pystatic-test-foreign-{secrets.token_hex(4)}:latest"
    files = [
        Entry(path="/bin/sh", mode=0o755, content=packer.FOLDER / "launcher-aarch64"),
        Entry(path="/etc/passwd", mode=0o644, content=b"root:x:0:0:root:/:/bin/sh\n"),
    ]
    runtime = Runtime(platform="linux/arm64", user="0:0", entrypoint=[], env=[], ports=[], labels={})
    image = make_image([make_layer("base", files, 0, {"gzip": gzip.compress})], runtime, 0, "gzip")
    archive = tmp_path / "base.tar"
    archive.write_bytes(write_archive(image, [name]))
    subprocess.run([request.param, "load", "--input", archive], check=True, capture_output=True)
    yield request.param, name
    subprocess.run([request.param, "image", "rm", "--force", name], check=True, capture_output=True)


def test_where_no_emulator_is_it_is_said_what_to_do(foreign_base: tuple[str, str], tmp_path: Path) -> None:
    engine, name = foreign_base
    shop = write_project(tmp_path / "shop", {"pyproject.toml": PYPROJECT, "shop.py": SHOP}, "shop")
    words = ("--in", engine, "--platform", "linux/arm64")
    printed = shop.nox("-s", "freeze", "--", *words, ok=False, PYSTATIC_TASKS_BUILD_IMAGE=name)
    assert (
        f"nox > Session freeze aborted: {engine} cannot run programs for linux/arm64 here.\n"
        "Install an emulator where it runs, for example with apt-get install qemu-user-static "
        "(Docker Desktop has one), or build on a linux/arm64 machine and join the archives with --archive.\n"
    ) in printed
