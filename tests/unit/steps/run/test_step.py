from __future__ import annotations

import fcntl
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from applets import build

from pystatic_tasks.config.model import ImageConfig, Service, Smoke
from pystatic_tasks.engines import choose_engine, docker
from pystatic_tasks.errors import ConfigError, ImageError, ProgramError, PystaticError
from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.oci import compression
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.foreground import load
from pystatic_tasks.steps.run import step, watch
from pystatic_tasks.steps.run.step import run

READY = "runs (sandbox); Ctrl-C ends it"
# Ends at TERM with exit code 0.
OBEYS = 'trap "exit 0" TERM; echo ready; while :; do /env sleep 0.05; done'
RESISTS = 'trap "" TERM; echo ready; while :; do /env sleep 0.05; done'


@pytest.fixture(autouse=True)
def sandboxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """Where the sandbox makes its folders; how small an image gets, and how long is waited, does not matter here.

    What the programs print goes to a file.
    """
    folder = tmp_path / "sandboxes"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for level in ("GZIP_LEVEL", "QUICK_LEVEL"):
        monkeypatch.setattr(compression, level, 0)
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(watch, "SETTLE_SECONDS", 0.01)
    return folder


def shell(root: Path, script: str, **smoke: Any) -> ImageConfig:
    """An image that runs a script."""
    return build(root, "env", command=("sh", "-c", script), **smoke)


class Listening:
    """Whoever runs the step: keeps what is said, and does one thing after the other, each after a line with a word.

    It is done when the program that was started last has printed its first line.
    """

    def __init__(self, *then: tuple[str, Callable[[], object]]) -> None:
        self.said: list[str] = []
        self.then = [*then]

    def say(self, line: str) -> None:
        self.said.append(line)
        if self.then and self.then[0][0] in line:
            threading.Thread(target=self.act, args=(self.then.pop(0)[1],)).start()

    def act(self, action: Callable[[], object]) -> None:
        started = sum("Ctrl-C" in line for line in self.said)
        end = time.monotonic() + 20
        while Path("/proc/self/fd/1").read_bytes().count(b"\n") < started and time.monotonic() < end:
            time.sleep(0.01)
        # Until then the end of the program is waited for.
        time.sleep(0.1)
        action()


def ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def context(listening: Listening, **options: Any) -> StepContext:
    return StepContext(say=listening.say, **options)


def test_a_program_that_ends_is_shown_and_gone(
    tmp_path: Path, sandboxes: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listening = Listening()
    run(shell(tmp_path, "echo größe; exit 0"), context(listening))
    assert capfd.readouterr().out == "größe\n"
    assert listening.said == [f"env {READY}", "env ended with exit code 0"]
    assert list(sandboxes.iterdir()) == []


def test_the_exit_code_is_the_programs(tmp_path: Path, sandboxes: Path) -> None:
    with pytest.raises(ProgramError) as caught:
        run(shell(tmp_path, "exit 3"), context(Listening()))
    assert str(caught.value) == "env ended with exit code 3.\nSee its output above."
    assert caught.value.exit_code == 3
    assert list(sandboxes.iterdir()) == []


def test_where_a_service_fails_smoke_knows_more(tmp_path: Path) -> None:
    """Busybox's env takes what it is told by the server's variable for nothing."""
    image = replace(build(tmp_path, "false", app="shop:app"), script=None)
    with pytest.raises(ProgramError) as caught:
        run(image, context(Listening()))
    assert str(caught.value) == (
        "false ended with exit code 1.\nSee its output above; nox -s smoke finds the reason and suggests what to do."
    )


def test_it_gets_words_and_variables_of_the_call(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    image = shell(tmp_path, "exit 9", env={"A": "1", "B": "1"})
    words = ("sh", "-c", 'echo "$A $B $1"', "x", "größe 1")
    run(image, context(Listening(), arguments=words, variables={"B": "2"}))
    assert capfd.readouterr().out == "1 2 größe 1\n"


def test_a_value_of_the_callers_is_hidden(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "geheim123")
    run(shell(tmp_path, 'echo "is $A"; printf "not \\351 %s" "$A"', env={"A": "$TOKEN"}), context(Listening()))
    assert capfd.readouterr().out.encode(errors="surrogateescape").startswith(b"is ***\nnot ")
    assert "geheim" not in capfd.readouterr().out


def test_ctrl_c_ends_it_in_order(tmp_path: Path, sandboxes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listening = Listening(("Ctrl", ctrl_c))
    run(shell(tmp_path, OBEYS.replace("exit 0", "echo bye; exit 0")), context(listening))
    assert capfd.readouterr().out == "ready\nbye\n"
    assert listening.said[0] == f"env {READY}"
    assert listening.said[1].startswith("env ended with exit code 0 after ")
    assert list(sandboxes.iterdir()) == []


def test_what_does_not_end_is_killed(tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "GRACE_SECONDS", 0.1)
    listening = Listening(("Ctrl", ctrl_c))
    run(shell(tmp_path, RESISTS), context(listening))
    assert listening.said[1:] == ["env did not end within 0 s after TERM, and was killed"]
    assert list(sandboxes.iterdir()) == []


def test_ctrl_c_again_does_not_wait(tmp_path: Path, sandboxes: Path) -> None:
    def twice() -> None:
        ctrl_c()
        threading.Timer(0.3, ctrl_c).start()

    listening = Listening(("Ctrl", twice))
    with pytest.raises(KeyboardInterrupt):
        run(shell(tmp_path, RESISTS), context(listening))
    assert listening.said == [f"env {READY}"]
    assert list(sandboxes.iterdir()) == []


def test_it_is_run_once_at_a_time(tmp_path: Path) -> None:
    image = shell(tmp_path, "exit 0")
    with (image.work / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(PystaticError) as caught:
            run(image, context(Listening()))
    assert (
        str(caught.value) == "env is already running from this folder.\nEnd it first, with Ctrl-C where it was started."
    )


def test_the_address_comes_first(tmp_path: Path) -> None:
    port = free_port()
    image = shell(tmp_path, "exit 0", port=port)
    listening = Listening()
    run(image, context(listening))
    assert listening.said[0] == f"env runs at http://127.0.0.1:{port}/ (sandbox); Ctrl-C ends it"


@pytest.mark.parametrize(
    ("publish", "wanted", "text"),
    [
        (("127.0.0.1", 8000), None, "at http://127.0.0.1:8000/ (sandbox)"),
        (("127.0.0.1", 4000), None, "at http://127.0.0.1:4000/ (sandbox; port 8000 is not free)"),
        (("127.0.0.1", 4000), ("127.0.0.1", 4000), "at http://127.0.0.1:4000/ (sandbox)"),
        (
            ("0.0.0.0", 4000),
            ("0.0.0.0", 4000),
            "at http://127.0.0.1:4000/ and at all other addresses of this machine (sandbox)",
        ),
    ],
)
def test_it_is_said_where_it_is_and_why(
    tmp_path: Path, publish: tuple[str, int], wanted: tuple[str, int] | None, text: str
) -> None:
    image = shell(tmp_path, "exit 0", port=8000)
    plan = step.make_plan(image, StepContext(say=print, publish=("127.0.0.1", free_port())))
    changed = replace(plan, policy=replace(plan.policy, publish=publish))
    engine = choose_engine("sandbox")
    assert step.where(changed, engine, StepContext(say=print, publish=wanted)) == text


def test_a_port_for_a_program_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--publish is given, but no TCP port"):
        run(shell(tmp_path, "exit 0"), context(Listening(), publish=("127.0.0.1", 8000)))


# With --watch.


def watching(
    image: ImageConfig, build_again: Callable[[], ImageConfig], *then: tuple[str, Callable[[], object]]
) -> tuple[Listening, StepContext]:
    listening = Listening(*then)
    return listening, context(listening, watches=True, build_again=build_again)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is watched."""
    path = tmp_path / "shop.py"
    make_plan = step.make_plan
    monkeypatch.setattr(step, "make_plan", lambda *given: replace(make_plan(*given), watched=(path,)))
    return path


def test_a_change_builds_and_starts_it_again(
    tmp_path: Path, sandboxes: Path, watched: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = shell(tmp_path, OBEYS)
    other = replace(image, smoke=Smoke(engine="sandbox", command=("sh", "-c", OBEYS.replace("ready", "new"))))
    listening, whoever = watching(image, lambda: other, ("Ctrl", watched.touch), ("Ctrl", ctrl_c))
    run(image, whoever)
    said = [line.partition(" after ")[0] for line in listening.said]
    ended = "env ended with exit code 0"
    assert said == [f"env {READY}", "changed: shop.py", ended, f"env {READY}", ended]
    assert capfd.readouterr().out == "ready\nnew\n"
    assert list(sandboxes.iterdir()) == []


def test_what_cannot_be_built_leaves_it_as_it_was(
    tmp_path: Path, watched: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = shell(tmp_path, OBEYS)

    def fail() -> ImageConfig:
        raise PystaticError("It is wrong.", "Correct it.")

    listening, whoever = watching(image, fail, ("Ctrl", watched.touch), ("unchanged", ctrl_c))
    run(image, whoever)
    assert listening.said[:-1] == [
        f"env {READY}",
        "changed: shop.py",
        "It is wrong.",
        "Correct it.",
        "env is unchanged until the next change",
    ]
    assert listening.said[-1].startswith("env ended with exit code 0 after ")
    assert capfd.readouterr().out == "ready\n"


def test_what_changes_nothing_of_the_image_leaves_it_as_it_was(tmp_path: Path, watched: Path) -> None:
    image = shell(tmp_path, OBEYS)
    listening, whoever = watching(image, lambda: image, ("Ctrl", watched.touch), ("unchanged", ctrl_c))
    run(image, whoever)
    assert listening.said[1:-1] == ["changed: shop.py", "env keeps running: the image is unchanged"]


def test_what_has_ended_is_started_by_the_next_change(tmp_path: Path, watched: Path) -> None:
    image = shell(tmp_path, "echo ready; exit 3")
    other = replace(image, smoke=Smoke(engine="sandbox", command=("sh", "-c", OBEYS)))
    listening, whoever = watching(image, lambda: other, ("the next change", watched.touch), ("Ctrl", ctrl_c))
    run(image, whoever)
    assert listening.said[:-1] == [
        f"env {READY}",
        "env ended with exit code 3; the next change starts it again",
        "changed: shop.py",
        f"env {READY}",
    ]


def test_with_services_it_stops_while_it_is_built(tmp_path: Path, watched: Path) -> None:
    port = free_port()
    serve = Service(name="db", command=("python3", "-m", "http.server", str(port), "--bind", "127.0.0.1"), port=port)
    image = replace(shell(tmp_path, OBEYS), services=(serve,))

    def fail() -> ImageConfig:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
        raise PystaticError("It is wrong.")

    listening, whoever = watching(image, fail, ("Ctrl", watched.touch), ("Ctrl", ctrl_c))
    run(image, whoever)
    said = [line.partition(" after ")[0] for line in listening.said]
    ended = "env ended with exit code 0"
    stays = "env is unchanged until the next change"
    assert said == [f"env {READY}", "changed: shop.py", ended, "It is wrong.", stays, f"env {READY}", ended]


def test_an_archive_of_another_image_is_given_to_no_engine(tmp_path: Path) -> None:
    config = shell(tmp_path, OBEYS)
    artifact, other = step.artifact_of(config), f"sha256:{'1' * 64}"
    assert artifact.written
    artifact = replace(artifact, written=replace(artifact.written, digest=other))
    with pytest.raises(ImageError) as caught:
        load(docker.here(), artifact)
    assert caught.value.problem.endswith(f", and {other} was built.")
