"""The tree layout: layers that stay as they are, and Python as the first process of a container."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from registries import Registry, running_registry, standing_before, wait_for
from support import EVERYWHERE, TAG, Project, copy_repository, elsewhere, engine_or_skip, tool_or_skip, write_project

from pystatic_tasks.config.model import ENGINE_NAMES
from pystatic_tasks.engines import Engine
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.oci.references import Reference, parse_reference
from pystatic_tasks.oci.registry.send import Content, Sent, read_sbom, send
from pystatic_tasks.system.terminal import Terminal

KINDS = ["libc", "python", "third-party", "project"]
PUSH_BUDGET_BYTES = 20_000
# Most of it is the bill of materials.
OUR_PUSH_BUDGET_BYTES = 75_000
CAREFUL = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


def call(*command: str | Path, ok: bool = True) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (result.returncode == 0) is ok, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample app as a tree."""
    tool_or_skip("uv")
    project = copy_repository(tmp_path_factory.mktemp("tree") / "repository", backend="uv")
    project.configure("image.healthcheck", f'layout = "tree"\nimage.tags = ["{TAG}"]\nimage.healthcheck')
    project.nox("-s", "image", "--", "--engine", "sandbox", SOURCE_DATE_EPOCH="1700000000")
    return project


@pytest.fixture(scope="module")
def rebuilt(tree: Project) -> Iterator[tuple[Project, Project]]:
    """The same by somebody else in another folder: with one line more, and without it again."""
    with elsewhere() as other:
        clone = copy_repository(other.folder / "another folder" / "clone", backend="uv")
        shutil.copyfile(tree.root / "pyproject.toml", clone.root / "pyproject.toml")
        other.adopt(clone)
        api = clone.root / "sample_app/random_number/api.py"
        source = api.read_text(encoding="utf-8")
        words = ("-s", "image", "--", "--engine", "sandbox")
        api.write_text(f"{source}\nUNHEARD_OF_NAME = falcon.HTTP_418\n", encoding="utf-8")
        other.nox(clone, *words, SOURCE_DATE_EPOCH="1700005000")
        changed = Project(clone.root.parent / "changed")
        shutil.copytree(clone.root / "dist", changed.root / "dist")
        api.write_text(source, encoding="utf-8")
        other.nox(clone, *words, SOURCE_DATE_EPOCH="1700000000")
        yield changed, clone


def layers(project: Project) -> list[dict[str, object]]:
    found: list[dict[str, object]] = project.manifest("image.json")["layers"]
    return found


def test_one_changed_line_changes_the_last_layer_only(tree: Project, rebuilt: tuple[Project, Project]) -> None:
    changed, _ = rebuilt
    assert [layer["kind"] for layer in layers(tree)] == KINDS
    before, after = ([layer["digest"] for layer in layers(project)] for project in (tree, changed))
    assert after[:3] == before[:3]
    assert after[3] != before[3]


def test_the_same_sources_give_the_same_bytes_anywhere(tree: Project, rebuilt: tuple[Project, Project]) -> None:
    _, again = rebuilt
    assert again.manifest("image.json")["created"] == "2023-11-14T22:13:20Z"
    assert again.manifest("image.json")["digest"] == tree.manifest("image.json")["digest"]
    assert again.result("image.tar").read_bytes() == tree.result("image.tar").read_bytes()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        yield running


def test_a_push_after_one_changed_line_is_small(
    tree: Project, rebuilt: tuple[Project, Project], registry: Registry
) -> None:
    tool_or_skip("skopeo")
    changed, _ = rebuilt
    before: dict[str, int] = {}
    for project in (tree, changed):
        before = registry.blobs()
        source, target = f"oci-archive:{project.result('image.tar')}", f"docker://{registry.address}/sample-app:latest"
        call("skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false", source, target)
    pushed = {name: size for name, size in registry.blobs().items() if name not in before}
    print(f"pushed: {sum(pushed.values()):,} bytes in {len(pushed)} blobs")
    assert len(pushed) == 3  # the layer, the configuration, the manifest
    assert sum(pushed.values()) <= PUSH_BUDGET_BYTES


def test_our_own_push_after_one_changed_line_is_small_with_all_that_is_asked_and_said(
    tree: Project, rebuilt: tuple[Project, Project], registry: Registry
) -> None:
    changed, _ = rebuilt
    with standing_before(registry) as between:
        reference = parse_reference(f"{between.address}/sample-app:latest")
        sent = [push(project, reference) for project in (tree, changed)]
        assert sent[0].bytes_sent + sent[1].bytes_sent == between.sent_bytes
    print(f"pushed: {sent[1].bytes_sent:,} bytes, after {sent[0].bytes_sent:,}")
    assert (sent[1].blobs_sent, sent[1].blobs_there) == (2, 3)  # the layer and the configuration
    assert sent[1].bytes_sent <= OUR_PUSH_BUDGET_BYTES


def push(project: Project, reference: Reference) -> Sent:
    archive = project.result("image.tar")
    archived = read_archive(archive)
    sbom = read_sbom(archive.parent, archived.manifest)
    sboms = {archived.manifest.digest: sbom} if sbom else {}
    content = Content(images=[archived], top=archived.manifest, sboms=sboms)
    return send(content, [reference], print, Terminal(stream=sys.stderr))


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_it_keeps_its_contract_without_any_writable_folder_in(engine: str, tree: Project) -> None:
    found = engine_or_skip(engine)
    try:
        printed = tree.nox("-s", "smoke", "--", "--engine", engine, SOURCE_DATE_EPOCH="1700000000")
    finally:
        if found.keeps_images:
            call(engine, "image", "rm", "--force", f"sample-app:{TAG}")
    assert "slowest imports: " in printed
    told = re.search(r"until the first answer: (.*)", printed)
    assert told
    assert re.sub(r"\d+", "N", told[1]) == "container N ms, interpreter N ms, imports N ms, server N ms"
    report = tree.manifest("smoke.json")
    assert report["passed"] is True
    assert [run["user"] == "65535:65535" for run in report["runs"]] == [True, False]
    assert {"name": "nothing left in /tmp", "passed": True, "seen": "empty"} in report["runs"][1]["checks"]


@pytest.fixture(scope="module")
def one_file(tree: Project) -> Project:
    """The same program as the launcher packs it, under another name beside the tree."""
    words = ("-s", "image", "--", "--layout", "onefile", "--engine", "sandbox")
    tree.nox(*words, PYSTATIC_TASKS_NAME="one-file")
    return tree


@pytest.fixture(scope="module", params=["sample-app", "one-file"])
def loaded(request: pytest.FixtureRequest, one_file: Project, docker: Engine) -> Iterator[str]:
    reference = f"{request.param}:{TAG}"
    call("docker", "load", "--input", one_file.root / "dist/pystatic" / request.param / "image.tar")
    yield reference
    call("docker", "image", "rm", "--force", reference)


@contextlib.contextmanager
def container(image: str, *options: str) -> Iterator[str]:
    """A careful container that serves; its name."""
    name = call("docker", "run", "--detach", *CAREFUL, "--publish", "127.0.0.1::8000", *options, image).strip()
    try:
        yield name
    finally:
        call("docker", "rm", "--force", "--volumes", name)


def ask(name: str, path: str = "/health") -> bytes:
    address = call("docker", "port", name, "8000/tcp").split()[0]
    body = b""

    def answers() -> bool:
        nonlocal body
        try:
            body = urllib.request.urlopen(f"http://{address}{path}", timeout=10).read()
        except urllib.error.HTTPError as error:
            pytest.fail(f"{path}: {error.code} {error.read()!r}")
        return True

    wait_for(answers)
    return body


def processes(name: str) -> list[list[str]]:
    """PID, parent and state of each process in the container, as the machine sees them."""
    lines = call("docker", "top", name, "-o", "pid,ppid,stat").splitlines()[1:]
    return [line.split() for line in lines]


def workers(name: str) -> set[str]:
    first = call("docker", "inspect", "--format", "{{.State.Pid}}", name).strip()
    return {pid for pid, parent, state in processes(name) if parent == first and not state.startswith("Z")}


def exit_code(name: str) -> int:
    wait_for(lambda: call("docker", "inspect", "--format", "{{.State.Running}}", name).strip() == "false")
    return int(call("docker", "inspect", "--format", "{{.State.ExitCode}}", name))


def test_the_program_is_the_first_process_and_the_parent_of_its_workers(loaded: str) -> None:
    with container(loaded) as name:
        ask(name)
        first = call("docker", "inspect", "--format", "{{.State.Pid}}", name).strip()
        assert first in {pid for pid, _, _ in processes(name)}
        wait_for(lambda: len(workers(name)) == 4)
        assert len(processes(name)) == 5


@pytest.mark.parametrize("signal", ["TERM", "INT", "QUIT"])
def test_it_ends_in_order_by(signal: str, loaded: str) -> None:
    with container(loaded) as name:
        ask(name)
        call("docker", "kill", "--signal", signal, name)
        assert exit_code(name) == 0
        assert f"Handling signal: {signal.lower()}" in call("docker", "logs", name)


def test_hup_brings_new_workers_and_keeps_serving(loaded: str) -> None:
    with container(loaded) as name:
        ask(name)
        before = workers(name)
        call("docker", "kill", "--signal", "HUP", name)
        wait_for(lambda: len(workers(name)) == 4 and not workers(name) & before)
        assert ask(name, "/?min=3&max=3") == b'{"number": 3, "min": 3, "max": 3}'
        assert "[ERROR]" not in call("docker", "logs", name)


def test_ttin_and_ttou_bring_and_take_workers(loaded: str) -> None:
    with container(loaded) as name:
        ask(name)
        call("docker", "kill", "--signal", "TTIN", name)
        wait_for(lambda: len(workers(name)) == 5)
        for count in (4, 3):
            call("docker", "kill", "--signal", "TTOU", name)
            wait_for(lambda count=count: len(workers(name)) == count)  # type: ignore[misc]
        assert ask(name) == b'{"status": "ok"}'


def test_a_killed_worker_is_reaped_and_replaced(loaded: str) -> None:
    with container(loaded) as name:
        ask(name)
        killed = sorted(workers(name))[0]
        call("kill", "-KILL", killed)
        wait_for(lambda: len(workers(name)) == 4 and killed not in workers(name))
        assert not [process for process in processes(name) if process[2].startswith("Z")]


def test_without_any_place_for_the_heartbeat_it_says_what_to_do(loaded: str) -> None:
    said = call("docker", "run", "--rm", *CAREFUL, "--ipc", "none", loaded, ok=False)
    if loaded.startswith("one-file"):
        assert said.startswith("one-file: cannot start: there is no place for its files; /dev/shm: ")
        assert said.endswith("Mount a tmpfs at /tmp (noexec will do), or name a folder in PYSTATIC_TMPDIR\n")
    else:
        assert said == (
            "Error: The workers cannot keep their heartbeat anywhere: neither /dev/shm nor /tmp is writable. "
            "Mount a writable /dev/shm, as engines do unless told otherwise (--tmpfs /dev/shm), "
            "or name another folder: --worker-tmp-dir.\n"
        )
    with container(loaded, "--ipc", "none", "--tmpfs", "/dev/shm") as name:
        assert ask(name) == b'{"status": "ok"}'


APP = """
import os
import socket
import ssl
import threading
import time

print("importing", flush=True)
time.sleep(float(os.environ.get("IMPORT_SECONDS", "0")))


def orphan():
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.2)
        os._exit(0)
    os.wait()
    return "left alone"


def resolve():
    return socket.getaddrinfo("listed.example", 80, type=socket.SOCK_STREAM)[0][4][0]


def daemon():
    def work():
        while True:
            sum(range(1000))

    threading.Thread(target=work, daemon=True).start()
    return "busy"


def app(environ, start_response):
    routes = {"/orphan": orphan, "/resolve": resolve, "/daemon": daemon}
    answer = routes.get(environ["PATH_INFO"], lambda: ssl.OPENSSL_VERSION)()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
"""
PROJECT = {
    "web.py": APP,
    "pyproject.toml": f"""
[tool.pystatic-tasks]
app = "web:app"
name = "odd-app"
layout = "tree"
install = []
image.tags = ["{TAG}"]
image.compression = "zstd"
smoke.engine = "sandbox"
""",
}


@pytest.fixture(scope="module")
def odd_app(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An app with habits, its layers compressed by zstd."""
    tool_or_skip("uv")
    project = write_project(tmp_path_factory.mktemp("odd") / "app", PROJECT, "odd-app", backend="uv")
    project.nox("-s", "image")
    return project


@pytest.fixture(scope="module")
def odd_image(odd_app: Project, docker: Engine) -> Iterator[str]:
    call("docker", "load", "--input", odd_app.result("image.tar"))
    yield f"odd-app:{TAG}"
    call("docker", "image", "rm", "--force", f"odd-app:{TAG}")


def test_orphans_are_reaped(odd_image: str) -> None:
    with container(odd_image) as name:
        assert ask(name, "/orphan") == b"left alone"
        wait_for(lambda: len(processes(name)) == 3)
        assert {state[0] for _, _, state in processes(name)} <= {"S", "R"}


def test_names_are_resolved_by_the_files_that_engines_write(odd_image: str) -> None:
    with container(odd_image, "--add-host", "listed.example:192.0.2.7") as name:
        assert ask(name, "/resolve") == b"192.0.2.7"


def test_a_busy_daemon_thread_does_not_spoil_the_end(odd_image: str) -> None:
    with container(odd_image) as name:
        for _ in range(8):
            assert ask(name, "/daemon") == b"busy"
        call("docker", "kill", "--signal", "TERM", name)
        assert exit_code(name) == 0
        log = call("docker", "logs", name)
        assert "libgcc_s" not in log
        assert "SIGABRT" not in log


def test_term_ends_it_while_it_is_still_importing(odd_image: str) -> None:
    with container(odd_image, "--env", "IMPORT_SECONDS=60") as name:
        wait_for(lambda: "importing" in call("docker", "logs", name))
        call("docker", "stop", "--time", "10", name)
        assert exit_code(name) == 143


def test_zstd_layers_are_for_those_who_read_them_and_gzip_for_the_others(odd_app: Project, tmp_path: Path) -> None:
    tool_or_skip("skopeo")
    built = odd_app.manifest("image.json")
    assert built["compression"] == "zstd"
    for transport, media_type in {"oci-archive": "tar+zstd", "docker-archive": "tar"}.items():
        source = f"{transport}:{odd_app.result('image.tar')}"
        said = json.loads(call("skopeo", "inspect", "--raw", source))
        assert {layer["mediaType"].rpartition(".")[2] for layer in said["layers"]} <= {media_type, "tar+gzip", "gzip"}
    raw = json.loads(call("skopeo", "inspect", "--raw", f"oci-archive:{odd_app.result('image.tar')}"))
    assert [layer["digest"] for layer in raw["layers"]] == [layer["digest"] for layer in built["layers"]]
    assert sum(layer["size"] for layer in raw["layers"]) == built["compressed_bytes"]


# By what Docker reads, and by our own reader.
@pytest.mark.parametrize("engine", ENGINE_NAMES if EVERYWHERE else ["sandbox", "docker"])
def test_an_image_of_zstd_layers_keeps_its_contract_in(engine: str, odd_app: Project) -> None:
    found = engine_or_skip(engine)
    try:
        odd_app.nox("-s", "smoke", "--", "--engine", engine)
    finally:
        if found.keeps_images:
            call(engine, "image", "rm", "--force", f"odd-app:{TAG}")
    assert odd_app.manifest("smoke.json")["passed"] is True
