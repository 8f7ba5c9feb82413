from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.engines import Engine, command_line, docker, nerdctl, podman
from pystatic_tasks.engines.base import Artifact, Policy
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.archive import Written

DOCKER = docker.here()
PODMAN = podman.here()
NERDCTL = nerdctl.here()
SHOP = Artifact(
    archive=Path("/image.tar"),
    image_id="sha256:1",
    references=("shop:1", "shop:2"),
    entrypoint="/shop",
    env={},
    port=8000,
)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is on the PATH, for root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
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
    program(programs, "nerdctl", '[ "$*" = "version --format {{.Client.Version}}" ] && echo 2.3.5')
    assert DOCKER.version() == "20.10.24"
    assert PODMAN.version() == "4.3.1"
    assert NERDCTL.version() == "2.3.5"


def test_nerdctl_without_containerd_has_no_version(programs: Path) -> None:
    program(programs, "nerdctl", "echo 2.3.5; echo cannot access containerd socket >&2; exit 1")
    assert NERDCTL.version() == ""
    assert NERDCTL.problem() == "cannot access containerd socket"


def test_nerdctl_is_of_use_for_root_only(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(programs, "nerdctl", "echo 2.3.5")
    program(programs, "podman", "echo 4.3.1")
    assert PODMAN.version() == "4.3.1"
    assert NERDCTL.version() == ""
    assert NERDCTL.problem() == ("without root, it can neither choose a free port nor copy from a stopped container")


def test_what_is_not_there_has_no_version() -> None:
    assert DOCKER.version() == ""
    assert DOCKER.problem() == 'the program "docker" is not on the PATH'


def test_what_fails_has_no_version_but_a_complaint(programs: Path) -> None:
    program(programs, "docker", "echo 20.10; echo first >&2; echo 'no server here' >&2; exit 1")
    assert DOCKER.version() == ""
    assert DOCKER.problem() == "no server here"


def test_what_fails_without_a_word_is_told_so(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    assert DOCKER.problem() == "it does not report its version"


@pytest.mark.usefixtures("hangs")
def test_what_does_not_answer_has_no_version_but_a_complaint() -> None:
    started = time.monotonic()
    assert DOCKER.version() == ""
    assert DOCKER.problem() == '"docker version" did not answer within 1 seconds'
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
        '"docker load" failed with exit code 1:\n  no space left on device\nCheck that docker works.'
    )


# A docker, podman or nerdctl that knows images by the files in its folder and writes down what it is asked.
KNOWS = """
echo "$*" >> "{folder}/asked"
name=$(echo "$5" | /usr/bin/tr :/ __)
case $1 in
    image) [ -f "{folder}/$name" ] && read -r id < "{folder}/$name" && echo "$id" ;;
    load) echo sha256:{loaded} > "{folder}/shop_1" ;;
    tag) ;;
esac
"""


def done(folder: Path) -> list[str]:
    """What an engine was told beside what it was asked about images."""
    lines = (folder / "asked").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("image inspect --format {{.Id}} ")]


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
    program(programs, "docker", KNOWS.format(folder=tmp_path, loaded=1))
    assert DOCKER.load(SHOP) is bool(asked)
    assert done(tmp_path) == asked


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ({"shop_1": "sha256:9", "shop_2": "sha256:9"}, []),
        ({"sha256_9": "sha256:9"}, ["load --input /image.tar", "tag 9 shop:2"]),
    ],
    ids=["known", "unknown"],
)
def test_an_image_may_be_known_by_its_manifest(
    programs: Path, tmp_path: Path, known: dict[str, str], asked: list[str]
) -> None:
    for name, identity in known.items():
        (tmp_path / name).write_text(f"{identity}\n", encoding="utf-8")
    program(programs, "docker", KNOWS.format(folder=tmp_path, loaded=9))
    written = Written(digest="sha256:9", image_id="sha256:1", references=SHOP.references)
    assert DOCKER.load(replace(SHOP, written=written)) is bool(asked)
    assert done(tmp_path) == asked


def test_an_image_is_run_by_the_digest_that_it_is_known_by(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "sha256_9").write_text("sha256:9\n", encoding="utf-8")
    program(programs, "docker", KNOWS.format(folder=tmp_path, loaded=9))
    written = Written(digest="sha256:9", image_id="sha256:1", references=SHOP.references)
    DOCKER.start(replace(SHOP, written=written), Policy(user="1:1", writable_tmp=False, memory_bytes=5), [])
    created, _ = done(tmp_path)
    assert created.endswith(" sha256:9")


@pytest.mark.parametrize(
    ("name", "engine", "source"),
    [("docker", DOCKER, "1"), ("podman", PODMAN, "1"), ("nerdctl", NERDCTL, "shop:1")],
    ids=["docker", "podman", "nerdctl"],
)
def test_a_name_that_was_not_in_the_archive_is_given_afterwards(
    programs: Path, tmp_path: Path, name: str, engine: Engine, source: str
) -> None:
    program(programs, name, KNOWS.format(folder=tmp_path, loaded=1))
    assert engine.load(SHOP)
    assert done(tmp_path) == ["load --input /image.tar", f"tag {source} shop:2"]


def test_a_name_by_which_an_engine_knows_another_image_is_not_run(programs: Path, tmp_path: Path) -> None:
    program(programs, "nerdctl", KNOWS.format(folder=tmp_path, loaded=2))
    with pytest.raises(ImageError) as caught:
        NERDCTL.load(SHOP)
    assert str(caught.value) == (
        "nerdctl has loaded /image.tar, but shop:1 is another image there.\n"
        "Remove that image, and run this again: nerdctl rmi shop:1."
    )


@pytest.mark.parametrize(
    ("name", "engine", "asked"),
    [
        ("docker", DOCKER, "rmi --force 1"),
        ("podman", PODMAN, "rmi --force 1"),
        ("nerdctl", NERDCTL, "rmi --force shop:1"),
    ],
)
def test_an_image_is_forgotten(programs: Path, tmp_path: Path, name: str, engine: Engine, asked: str) -> None:
    program(programs, name, f'echo "$*" >> "{tmp_path}/asked"; exit 1')
    engine.unload(SHOP)
    assert done(tmp_path) == [asked]


SHARED_MEMORY = "--tmpfs /dev/shm:rw,noexec,nosuid,nodev,mode=1777"


@pytest.mark.parametrize(
    ("name", "engine", "more", "image"),
    [
        ("docker", DOCKER, "--pull never", "sha256:1"),
        ("podman", PODMAN, f"--pull never --read-only-tmpfs=false {SHARED_MEMORY}", "sha256:1"),
        ("nerdctl", NERDCTL, "--pull never", "shop:1"),
    ],
    ids=["docker", "podman", "nerdctl"],
)
def test_an_image_is_run_under_the_policy(
    programs: Path, tmp_path: Path, name: str, engine: Engine, more: str, image: str
) -> None:
    program(programs, name, f'echo "$*" >> "{tmp_path}/asked"; [ "$1" != ps ] || echo 1f 2f')
    policy = Policy(user="65535:65535", writable_tmp=True, memory_bytes=512_000_000, owner="here:/shop")
    engine.start(SHOP, policy, ["--check", "a b"])
    listed, removed, created, started = done(tmp_path)
    container = started.removeprefix("start ")
    assert listed == "ps --all --quiet --filter label=pystatic-tasks.owner=here:/shop"
    assert removed == "rm --force --volumes 1f 2f"
    assert created == (
        f"create --name {container} --read-only --cap-drop ALL --security-opt no-new-privileges --user 65535:65535 "
        f"--memory 512000000b {more} --volume /tmp --publish 127.0.0.1::8000 "
        f"--label pystatic-tasks.owner=here:/shop {image} --check a b"
    )


@pytest.mark.parametrize(("is_typed", "tty"), [(True, " --tty"), (False, "")])
def test_at_a_terminal_it_has_ours_and_is_removed(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_typed: bool, tty: str
) -> None:
    monkeypatch.setattr(command_line, "is_terminal", lambda: is_typed)
    program(programs, "docker", f'echo "$*|$KEY" >> "{tmp_path}/asked"; [ "$1" != run ] || exit 3')
    policy = Policy(user="1:1", writable_tmp=False, memory_bytes=5, env={"KEY": "größe"})
    assert DOCKER.run_at_terminal(replace(SHOP, port=None), policy, ["-c", "a b"]) == 3
    ran, removed = done(tmp_path)
    container = removed.removeprefix("rm --force --volumes ").removesuffix("|")
    assert ran == (
        f"run --name {container} --interactive{tty} --read-only --cap-drop ALL --security-opt no-new-privileges "
        "--user 1:1 --memory 5b --pull never --env KEY sha256:1 -c a b|größe"
    )


IN_NETWORK = Policy(user="1:1", writable_tmp=False, memory_bytes=1, env={"KEY": "x"}, host_network=True)


def test_an_image_may_be_run_in_the_network_of_the_machine(programs: Path, tmp_path: Path) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*|$KEY|$GUNICORN_CMD_ARGS" > {tmp_path}/said')
    own = replace(SHOP, env={"GUNICORN_CMD_ARGS": "--workers 2"})
    host, port = DOCKER.start(own, IN_NETWORK, []).address()
    created, key, told = (tmp_path / "said").read_text(encoding="utf-8").strip().split("|")
    assert (host, key, told) == ("127.0.0.1", "x", f"--workers 2 --bind 127.0.0.1:{port}")
    assert " --pull never --network host --env KEY --env GUNICORN_CMD_ARGS " in created
    assert "--publish" not in created


def test_what_listens_at_one_port_only_must_find_it_free_in_the_network_of_the_machine(
    programs: Path, tmp_path: Path
) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*" > {tmp_path}/said')
    with socket.create_server(("127.0.0.1", 0)) as other:
        fixed = replace(SHOP, port=other.getsockname()[1], takes_port=False)
        with pytest.raises(ImageError) as caught:
            DOCKER.start(fixed, IN_NETWORK, [])
    assert str(caught.value) == (
        f"Port {fixed.port} is in use, and docker runs the image in this machine's network.\n"
        "Stop the program that listens there; "
        "without services, all engines except the sandbox and PRoot have their own ports."
    )
    assert DOCKER.start(fixed, IN_NETWORK, []).address() == ("127.0.0.1", fixed.port)
    assert " --network host --env KEY sha256:1" in (tmp_path / "said").read_text(encoding="utf-8")


def test_it_is_published_where_that_is_wanted(programs: Path, tmp_path: Path) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*" >> {tmp_path}/said')
    policy = Policy(user="1:1", writable_tmp=False, memory_bytes=1)
    for publish in (None, ("0.0.0.0", 9000)):
        DOCKER.start(SHOP, replace(policy, publish=publish), [])
    free, wanted = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    assert " --publish 127.0.0.1::8000 " in free
    assert " --publish 0.0.0.0:9000:8000 " in wanted


def test_in_the_network_of_the_machine_it_listens_where_that_is_wanted(programs: Path) -> None:
    program(programs, "docker", "")
    container = DOCKER.start(SHOP, replace(IN_NETWORK, publish=("0.0.0.0", 9000)), [])
    assert container.address() == ("0.0.0.0", 9000)


# A docker whose container writes to both, and is ended only after it was followed.
WRITES = """
[ "$1" = logs ] || exit 0
[ "$2" = --follow ] || exit 1
echo out
echo err >&2
exec /bin/sleep 0.3
"""


def test_what_it_writes_is_shown_as_it_comes(programs: Path, tmp_path: Path) -> None:
    program(programs, "docker", WRITES)
    container = DOCKER.start(SHOP, Policy(user="1:1", writable_tmp=False, memory_bytes=1), [])
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as output, err.open("wb") as errors:
        following = threading.Thread(target=container.follow, args=(output, errors))
        following.start()
        end = time.monotonic() + 10
        while not (out.stat().st_size and err.stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert following.is_alive()
        following.join(10)
    assert (out.read_bytes(), err.read_bytes()) == (b"out\n", b"err\n")


# A docker that copies these files.
COPIES = """
[ "$1" = cp ] || exit 0
/bin/mkdir "$3/_MEI1"
: > "$3/_MEI1/libc.so"
: > "$3/.hidden"
"""


def test_what_is_left_in_tmp_is_seen(programs: Path) -> None:
    program(programs, "docker", COPIES)
    container = DOCKER.start(SHOP, Policy(user="1:1", writable_tmp=True, memory_bytes=1), [])
    assert container.leftovers() == [".hidden", "_MEI1", "_MEI1/libc.so"]


def test_a_folder_that_cannot_be_looked_into_is_told_in_the_engines_words(programs: Path) -> None:
    program(programs, "docker", "[ $1 != cp ] || { echo 'no such container' >&2; exit 1; }")
    container = DOCKER.start(SHOP, Policy(user="1:1", writable_tmp=True, memory_bytes=1), [])
    with pytest.raises(ImageError) as caught:
        container.leftovers()
    assert str(caught.value) == (
        '"docker cp" failed, so /tmp could not be inspected:\n  no such container\nCheck that docker works.'
    )


def test_variables_of_a_run_stay_off_the_command_line(programs: Path, tmp_path: Path) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*|$KEY" > {tmp_path}/said')
    policy = Policy(user="1:1", writable_tmp=False, memory_bytes=1, env={"KEY": "größe"})
    DOCKER.start(SHOP, policy, [])
    said = (tmp_path / "said").read_text(encoding="utf-8").strip()
    assert "--env KEY " in said.partition("|")[0]
    assert said.partition("|")[2] == "größe"
    assert "größe" not in said.partition("|")[0]


@pytest.mark.parametrize("name", ["PATH", "HOME", "DOCKER_HOST", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH"])
def test_a_variable_of_the_program_does_not_lead_the_engine_astray(programs: Path, tmp_path: Path, name: str) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*|${name}" > {tmp_path}/said')
    policy = Policy(user="1:1", writable_tmp=False, memory_bytes=1, env={name: "/of/the program"})
    before = os.environ.get(name, "")
    DOCKER.start(SHOP, policy, [])
    given, _, seen = (tmp_path / "said").read_text(encoding="utf-8").rstrip("\n").partition("|")
    assert f"--env {name}=/of/the program " in given
    assert seen == before


@pytest.mark.parametrize("name", ["DOCKER_PASSWORD", "REGISTRY_TOKEN", "STORAGE_KEY", "HTTPS_PROXY", "PATH"])
def test_what_may_be_secret_or_is_as_here_stays_off_the_command_line(programs: Path, tmp_path: Path, name: str) -> None:
    program(programs, "docker", f'[ "$1" != create ] || echo "$*" > {tmp_path}/said')
    env = {name: os.environ.get(name, "secret")}
    DOCKER.start(SHOP, Policy(user="1:1", writable_tmp=False, memory_bytes=1, env=env), [])
    assert f"--env {name} " in (tmp_path / "said").read_text(encoding="utf-8")
