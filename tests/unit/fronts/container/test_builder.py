from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pystatic_tasks.config.model import Build, ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.fronts.container.builder import base_image, check_emulated, ensure_builder
from pystatic_tasks.steps.context import StepContext

HERE = ".".join(map(str, sys.version_info[:2]))


def shop(root: Path, python: str | None = None, image: str | None = None) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", python=python, build=Build(place="docker", image=image))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine that writes down what it is asked, knows the images in a file, and does nothing."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
echo "$*" >> {tmp_path}/asked
case "$*" in
image*) grep -s "^${{5}}=" {tmp_path}/images | cut -d= -f2;;
pull*)
    test ! -e {tmp_path}/refuses || {{ echo "no such image" >&2; exit 1; }}
    case "$2" in
        --platform) grep -v "^$4=" {tmp_path}/images > {tmp_path}/others
            {{ cat {tmp_path}/others; echo "$4=sha256:1 $(cat {tmp_path}/has || echo $3)"; }} > {tmp_path}/images;;
        *) echo "$2=sha256:1 linux/amd64" >> {tmp_path}/images;;
    esac;;
build*) test ! -e {tmp_path}/refuses || {{ cat {tmp_path}/refuses >&2; exit 1; }};;
esac
""",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path


def asked(docker: Path) -> list[str]:
    return [line.split()[0] for line in (docker / "asked").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("python", "image", "base"),
    [
        (None, None, f"python:{HERE}-slim"),
        ("3.12", None, "python:3.12-slim"),
        ("python3.12.4", None, "python:3.12.4-slim"),
        ("3.12", "registry.example/builder@sha256:1", "registry.example/builder@sha256:1"),
        ("/opt/python/bin/python3", "debian-with-python", "debian-with-python"),
    ],
)
def test_the_base_is_of_the_wanted_python(python: str | None, image: str | None, base: str, tmp_path: Path) -> None:
    assert base_image(shop(tmp_path, python, image)) == base


def test_a_python_of_this_machine_has_no_image(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        base_image(shop(tmp_path, "/opt/bin/python3"))
    assert str(caught.value) == (
        'tool.pystatic-tasks.python = "/opt/bin/python3" is a Python of this machine, '
        "but the program is frozen in a docker container.\n"
        'Set a version, such as python = "3.13", or set build.image to an image that has this Python.'
    )


def test_a_builder_is_made_once_and_known_by_what_it_is_made_of(docker: Path) -> None:
    said: list[str] = []
    first = ensure_builder(shop(docker, "3.12"), StepContext(say=said.append), None)
    assert said == [f"{first}: build image made from python:3.12-slim, kept in docker"]
    assert asked(docker) == ["image", "pull", "image", "image", "build"]
    with (docker / "images").open("a", encoding="utf-8") as file:
        file.write(f"{first}=sha256:2 linux/amd64\n")
    (docker / "asked").unlink()
    assert ensure_builder(shop(docker, "3.12"), StepContext(say=said.append), None) == first
    assert asked(docker) == ["image", "image"]
    assert len(said) == 1


def test_a_base_for_another_platform_is_pulled(docker: Path) -> None:
    (docker / "images").write_text("x=sha256:1 linux/amd64\n", encoding="utf-8")
    ensure_builder(shop(docker, image="x"), StepContext(say=print), "linux/arm64")
    lines = (docker / "asked").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "pull --platform linux/arm64 x"
    assert lines[-1].startswith("build --platform linux/arm64 --build-arg BASE=x ")


def test_a_base_that_cannot_be_pulled_is_named(docker: Path) -> None:
    (docker / "refuses").touch()
    with pytest.raises(ConfigError) as caught:
        ensure_builder(shop(docker, image="x"), StepContext(say=print), None)
    assert str(caught.value) == (
        "docker does not have the build image x and could not pull it:\n"
        "  no such image\n"
        "Correct build.image, or see why the engine cannot reach the registry."
    )


def test_a_base_that_lacks_something_is_named(docker: Path) -> None:
    (docker / "images").write_text("x=sha256:1 linux/amd64\n", encoding="utf-8")
    (docker / "refuses").write_text("no apt-get\n", encoding="utf-8")
    with pytest.raises(MissingToolError) as caught:
        ensure_builder(shop(docker, image="x"), StepContext(say=print), None)
    assert str(caught.value) == (
        "Cannot make a build image from x; the output of docker is in build/pystatic/shop/builder.log "
        "and ends with:\n"
        "  no apt-get\n"
        "Set build.image to an image that has Python 3 with venv, binutils and git, "
        "or Debian's apt-get to install them."
    )


@pytest.mark.parametrize("wanted", ["linux/arm64", "linux/arm64/v8"])
def test_a_base_of_the_platform_is_not_pulled_again(docker: Path, wanted: str) -> None:
    (docker / "images").write_text("x=sha256:1 linux/arm64\n", encoding="utf-8")
    ensure_builder(shop(docker, image="x"), StepContext(say=print), wanted)
    assert asked(docker) == ["image", "image", "build"]


def test_each_platform_has_a_builder_of_its_own(docker: Path) -> None:
    made = set()
    for platform in (None, "linux/amd64", "linux/arm64"):
        # As Docker has it that keeps several platforms of an image: one identity, and the platform of the machine.
        (docker / "images").write_text("x=sha256:1 linux/amd64\n", encoding="utf-8")
        (docker / "has").write_text("linux/amd64", encoding="utf-8")
        made.add(ensure_builder(shop(docker, image="x"), StepContext(say=print), platform))
    assert len(made) == 3


NO_EMULATOR = (
    "docker cannot run programs for linux/arm64 here.\n"
    "Install an emulator where it runs, for example with apt-get install qemu-user-static (Docker Desktop has one), "
    "or build on a linux/arm64 machine and join the archives with --archive."
)


def test_without_an_emulator_it_is_said_what_to_do(docker: Path) -> None:
    (docker / "images").write_text("x=sha256:1 linux/arm64\n", encoding="utf-8")
    (docker / "refuses").write_text("exec /bin/sh: exec format error\n", encoding="utf-8")
    with pytest.raises(MissingToolError) as caught:
        ensure_builder(shop(docker, image="x"), StepContext(say=print), "linux/arm64")
    assert str(caught.value) == NO_EMULATOR


@pytest.mark.parametrize("text", ["Exec format error: OCI runtime attempted to invoke a command\n", "other error\n"])
def test_that_is_known_by_what_linux_says(tmp_path: Path, text: str) -> None:
    log = tmp_path / "log"
    log.write_text(text, encoding="utf-8")
    check_emulated("docker", None, log)
    if text.startswith("other"):
        check_emulated("docker", "linux/arm64", log)
        return
    with pytest.raises(MissingToolError, match="cannot run programs"):
        check_emulated("docker", "linux/arm64", log)
