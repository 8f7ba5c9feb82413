"""Whatever ends a build, nothing half-written and nobody running stays, and the next run works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import Project, clean_environment, engine_or_skip, small_disk, tool_or_skip, without_times, write_project

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.web.client import free_port, send

APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{}']\n"
FILES = {
    "pyproject.toml": '[tool.pystatic-tasks]\napp = "hello:app"\nname = "hello"\n',
    "hello.py": APP.format("hello"),
}
SMOKE = ("-s", "smoke", "--", "--engine", "sandbox")
IMAGE = ("-s", "image", "--", "--engine", "sandbox")


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project, built twice at once from nothing."""
    tool_or_skip("uv")
    project = write_project(tmp_path_factory.mktemp("interrupted") / "hello", FILES, "hello", backend="uv")
    first = start(project, *IMAGE)
    # Nox makes the environment before it runs the session, and has no lock for that.
    begun = printed_until(first, "uv pip install")
    second = start(project, *IMAGE)
    builds = (first, second)
    printed = [build.communicate()[0] for build in builds]
    printed[0] = begun + printed[0]
    assert [build.returncode for build in builds] == [0, 0], printed
    assert any("another build of hello is running here; waiting for it" in each for each in printed)
    assert sum("is up to date (sha256:" in each for each in printed) == 1
    return project


def printed_until(build: subprocess.Popen[str], text: str) -> str:
    """What a build prints up to a line with that text."""
    assert build.stdout is not None
    lines = []
    for line in build.stdout:
        lines.append(line)
        if text in line:
            break
    return "".join(lines)


def start(project: Project, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Nox in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        # Who runs the tests may have been started to ignore Ctrl-C, as what a script starts in the background is.
        ["env", "--default-signal=INT", *prefix, sys.executable, "-m", "nox", "-db", project.backend, *arguments],
        cwd=project.root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def change(project: Project, text: str) -> None:
    (project.root / "hello.py").write_text(APP.format(text), encoding="utf-8")


def results(project: Project) -> dict[str, bytes]:
    folder = project.result("image.tar").parent
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def processes_of(project: Project) -> list[str]:
    """The command lines of all processes that know of the project's folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(project.root) in command:
            found.append(command)
    return found


def wait_until_alone(project: Project) -> None:
    end = time.monotonic() + 20
    while processes_of(project):
        assert time.monotonic() < end, processes_of(project)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("session", "delay", "number", "code", "everyone"),
    [
        ("freeze", 2.0, signal.SIGINT, 130, True),
        ("freeze", 2.0, signal.SIGTERM, 130, False),
        ("staticx", 0.5, signal.SIGINT, 130, True),
        ("staticx", 0.5, signal.SIGKILL, -signal.SIGKILL, False),
        ("smoke", 0.5, signal.SIGTERM, 130, False),
        ("smoke", 0.5, signal.SIGKILL, -signal.SIGKILL, False),
    ],
    ids=["Ctrl-C, freeze", "TERM, freeze", "Ctrl-C, staticx", "KILL, staticx", "TERM, smoke", "KILL, smoke"],
)
def test_it_may_be_ended_at_any_moment(
    hello: Project, session: str, delay: float, number: signal.Signals, code: int, everyone: bool
) -> None:
    engine_or_skip("sandbox")
    if session == "freeze":
        change(hello, f"{session} {number}")
        shutil.rmtree(hello.root / "build" / "pystatic" / "hello" / "kept", ignore_errors=True)
    before = results(hello)
    build = start(hello, *SMOKE)
    try:
        printed_until(build, f"Running session {session}")
        time.sleep(delay)
        (os.killpg if everyone else os.kill)(build.pid, number)
        printed = build.communicate(timeout=30)[0]
    finally:
        build.kill()
        build.communicate()
    assert build.returncode == code, printed
    assert "Traceback" not in printed
    wait_until_alone(hello)
    after = results(hello)
    changed = {name for name, content in after.items() if before.get(name) != content}
    assert not {name for name in changed if name.startswith(".") and number != signal.SIGKILL}
    # Only what a session before the interrupted one left.
    assert changed <= (
        {"hello"} if session == "staticx" else {"hello", "smoke.json", "imports.json", "contents-before.json", *before}
    )


def answer(port: int) -> str:
    """What the program answers, once it does."""
    end = time.monotonic() + 20
    while not (body := send(Request(), ("127.0.0.1", port), 5).body):
        assert time.monotonic() < end
        time.sleep(0.05)
    return body


def test_what_runs_in_the_foreground_follows_its_sources_until_it_is_ended(hello: Project) -> None:
    engine_or_skip("sandbox")
    change(hello, "first")
    port = free_port()
    running = start(hello, "-s", "run", "--", "--engine", "sandbox", "--publish", str(port), "--watch")
    try:
        printed_until(running, "Ctrl-C ends it")
        assert answer(port) == "first"
        change(hello, "second")
        printed_until(running, "changed: hello.py")
        printed_until(running, "Ctrl-C ends it")
        assert answer(port) == "second"
        (hello.root / "hello.py").write_text("def app(\n", encoding="utf-8")
        printed = printed_until(running, "until the next change")
        assert "Cannot build hello: freeze failed.\n" in printed
        assert answer(port) == "second"
        running.terminate()
        printed = running.communicate(timeout=30)[0]
    finally:
        running.kill()
        running.communicate()
        change(hello, "third")
    assert running.returncode == 0, printed
    assert "Traceback" not in printed
    wait_until_alone(hello)


def test_after_all_that_the_next_run_works(hello: Project) -> None:
    printed = hello.nox(*SMOKE)
    assert "first answer after" in printed
    assert not [name for name in results(hello) if name.startswith(".")]


def test_a_full_disk_is_told_and_leaves_nothing_half_written(hello: Project) -> None:
    with small_disk(hello.result("x").parent, "1m"):
        printed = hello.nox(*IMAGE, ok=False)
        left = results(hello)
    told = (
        f"nox > Session staticx aborted: {hello.root}/dist/pystatic/hello/hello cannot be read or written: "
        "No space left on device.\nFree some space and try again; no half-written file was left behind.\n"
    )
    assert told in printed, printed
    assert left == {}
    assert "is up to date (sha256:" in hello.nox(*IMAGE)


def test_a_read_only_folder_is_told_before_anything_is_done(hello: Project) -> None:
    if os.geteuid() != 0:
        pytest.skip("a folder can be mounted read-only by root only")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'
    build = start(hello, "-s", "image", prefix=("unshare", "--mount", "sh", "-c", script, str(hello.root)))
    printed = without_times(build.communicate()[0])
    assert build.returncode == 1
    assert (
        f"Session image aborted: The folder {hello.root}/build is not writable.\n"
        "Make it writable: results go to dist/ and work files to build/ in the project's folder.\n"
    ) in printed
    assert "Traceback" not in printed
