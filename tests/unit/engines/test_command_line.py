from __future__ import annotations

import time
from pathlib import Path

import pytest

from pystatic_tasks.engines import command_line
from pystatic_tasks.engines.base import Artifact
from pystatic_tasks.engines.docker import DOCKER
from pystatic_tasks.engines.podman import PODMAN
from pystatic_tasks.errors import ImageError


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def hangs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A docker that does not answer."""
    monkeypatch.setattr(command_line, "VERSION_TIMEOUT_SECONDS", 0.6)
    program(programs, "docker", "exec /bin/sleep 20")


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def test_the_version_is_the_servers(programs: Path) -> None:
    program(programs, "docker", '[ "$*" = "version --format {{.Server.Version}}" ] && echo 20.10.24')
    program(programs, "podman", '[ "$*" = "info --format {{.Version.Version}}" ] && echo 4.3.1')
    assert DOCKER.version() == "20.10.24"
    assert PODMAN.version() == "4.3.1"


def test_what_is_not_there_has_no_version() -> None:
    assert DOCKER.version() == ""
    assert DOCKER.complaint() == 'there is no program "docker" on the PATH'


def test_what_fails_has_no_version_but_a_complaint(programs: Path) -> None:
    program(programs, "docker", "echo 20.10; echo first >&2; echo 'no server here' >&2; exit 1")
    assert DOCKER.version() == ""
    assert DOCKER.complaint() == "no server here"


def test_what_fails_without_a_word_is_told_so(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    assert DOCKER.complaint() == "it gives no version"


@pytest.mark.usefixtures("hangs")
def test_what_does_not_answer_has_no_version_but_a_complaint() -> None:
    started = time.monotonic()
    assert DOCKER.version() == ""
    assert DOCKER.complaint() == '"docker version" did not answer within 1 seconds'
    assert time.monotonic() - started < 10


def test_an_archive_that_cannot_be_loaded_is_told_in_the_engines_words(programs: Path, tmp_path: Path) -> None:
    program(programs, "docker", "echo 'no space left on device' >&2; exit 1")
    artifact = Artifact(
        archive=tmp_path / "image.tar",
        image_id="sha256:1",
        references=("shop:latest",),
        entrypoint="/shop",
        env={},
        port=None,
    )
    with pytest.raises(ImageError) as caught:
        DOCKER.load(artifact)
    assert str(caught.value) == (
        '"docker load" failed with exit code 1:\n  no space left on device\nSee whether docker works.'
    )


# A docker, or podman, that knows images by the files in its folder and writes down what it is asked.
KNOWS = """
echo "$*" >> "{folder}/asked"
name=$(echo "$5" | /usr/bin/tr :/ __)
case $1 in
    image) [ -f "{folder}/$name" ] && read -r id < "{folder}/$name" && echo "$id" ;;
    load) echo sha256:1 > "{folder}/shop_1" ;;
    tag) ;;
esac
"""


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ({"shop_1": "sha256:1", "shop_2": "sha256:1"}, []),
        ({"shop_1": "1", "shop_2": "1"}, []),
        ({}, ["load --input /image.tar", "tag 1 shop:2"]),
        ({"shop_1": "sha256:1"}, ["load --input /image.tar", "tag 1 shop:2"]),
        ({"shop_1": "sha256:0", "shop_2": "sha256:1"}, ["load --input /image.tar"]),
    ],
    ids=["known", "known by a bare digest", "unknown", "one name is missing", "one name is another's"],
)
def test_an_image_is_loaded_unless_all_its_names_are_known(
    programs: Path, tmp_path: Path, known: dict[str, str], asked: list[str]
) -> None:
    for name, identity in known.items():
        (tmp_path / name).write_text(f"{identity}\n", encoding="utf-8")
    program(programs, "docker", KNOWS.format(folder=tmp_path))
    artifact = Artifact(
        archive=Path("/image.tar"),
        image_id="sha256:1",
        references=("shop:1", "shop:2"),
        entrypoint="/shop",
        env={},
        port=None,
    )
    assert DOCKER.load(artifact) is bool(asked)
    lines = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("image inspect --format {{.Id}} shop:")] == asked
