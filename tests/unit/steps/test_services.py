from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import tool_or_skip

from pystatic_tasks.config.model import ImageConfig, Service
from pystatic_tasks.errors import ServiceError, SmokeError
from pystatic_tasks.in_env.processes import session
from pystatic_tasks.in_env.web.client import free_port, is_taken
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.services import inputs, listed, running

LISTENS = """
import os, signal, socket, subprocess, sys

port = int(os.environ["PYSTATIC_SERVICE_PORT"])
print(os.getpid(), os.getcwd(), os.environ["PYSTATIC_SERVICE_FOLDER"], os.environ["OF_CALLER"], flush=True)
open(os.environ["PYSTATIC_SERVICE_FOLDER"] + "/data", "x").close()
server = socket.create_server(("127.0.0.1", port))
"""
SERVES = f"{LISTENS}signal.pause()\n"
SERVES_BY_ANOTHER = f"{LISTENS}subprocess.Popen(['sleep', '60'])\nsignal.pause()\n"
HEARS_NO_TERM = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{LISTENS}signal.pause()\n"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where services have their folders; nothing may be left there."""
    folder = tmp_path / "folders"
    folder.mkdir()
    monkeypatch.setattr(services, "SHORT_FOLDER", folder)
    monkeypatch.setenv("OF_CALLER", "größe")
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def config(tmp_path: Path) -> ImageConfig:
    root = tmp_path / "shop"
    root.mkdir()
    return ImageConfig(root=root, project=root, name="web", app="shop:app")


def serving(config: ImageConfig, code: str, name: str = "cache", timeout: float = 20.0) -> ImageConfig:
    """The image with one more service: a script in Python."""
    (config.root / f"{name}.py").write_text(code, encoding="utf-8")
    # Without the packages that are installed it starts faster.
    command = (sys.executable, "-IS", f"{name}.py")
    service = Service(name=name, command=command, port=free_port(), timeout=timeout)
    return replace(config, services=(*config.services, service))


def context(say: Callable[[str], None] = print) -> StepContext:
    return StepContext(say=say)


def log(config: ImageConfig, name: str = "cache") -> str:
    return (config.work / f"service-{name}.log").read_text(encoding="utf-8")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_dead(pid: int) -> None:
    end = time.monotonic() + 20
    while is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_service_is_ready_meanwhile_and_gone_afterwards(config: ImageConfig, folders: Path) -> None:
    config = serving(config, SERVES)
    [service] = config.services
    with running(config, context()):
        assert is_taken(service.port)
        pid, current, folder, of_caller = log(config).split()
        assert (Path(current), of_caller) == (config.root, "größe")
        assert Path(folder).parent == folders
        assert Path(folder, "data").exists()
    assert not is_taken(service.port)
    assert not is_alive(int(pid))


def test_each_time_it_is_a_new_one(config: ImageConfig) -> None:
    config = serving(config, SERVES)
    logs = []
    for _ in range(2):
        with running(config, context()):
            logs.append(log(config).split())
    first, second = logs
    assert (first[0], first[2]) != (second[0], second[2])


def test_its_folder_is_called_by_a_short_path_that_everybody_may_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert Path("/tmp") == services.SHORT_FOLDER
    assert len(f"/tmp/{services.FOLDER_PREFIX}ns{2**32}-{2**22}-abcdefgh/.s.PGSQL.65535") < 80


def test_services_are_started_in_their_order_and_stopped_in_the_other(config: ImageConfig) -> None:
    ends = "import atexit, signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    note = 'def note(what):\n    with open("notes", "a") as file:\n        file.write(f"{what} {sys.argv[0]}\\n")\n'
    code = f"{ends}{note}note('start')\natexit.register(note, 'stop')\n{LISTENS}signal.pause()\n"
    config = serving(serving(config, code, "a"), code, "b")
    with running(config, context()):
        pass
    assert (config.root / "notes").read_text(encoding="utf-8").splitlines() == [
        "start a.py",
        "start b.py",
        "stop b.py",
        "stop a.py",
    ]


def test_without_services_nothing_is_done(config: ImageConfig) -> None:
    with running(config, context()):
        assert not config.work.parent.exists()


def test_what_a_service_started_is_stopped_too(config: ImageConfig) -> None:
    config = serving(config, SERVES_BY_ANOTHER)
    with running(config, context()):
        pid = int(log(config).split()[0])
        [child] = [each for each in session(pid) if each != pid]
    assert not is_alive(child)


def test_what_does_not_hear_term_is_killed(config: ImageConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "GRACE_SECONDS", 0.2)
    config = serving(config, HEARS_NO_TERM)
    with running(config, context()):
        pid = int(log(config).split()[0])
    assert not is_alive(pid)


def test_it_is_stopped_whatever_happens(config: ImageConfig) -> None:
    config = serving(config, SERVES)
    with pytest.raises(KeyboardInterrupt), running(config, context()):
        raise KeyboardInterrupt
    assert not is_taken(config.services[0].port)


def test_it_ends_with_whoever_started_it(config: ImageConfig, folders: Path) -> None:
    tool_or_skip("setpriv")
    config = serving(config, SERVES)
    [service] = config.services
    code = f"""
import time
from pathlib import Path
from pystatic_tasks.config.model import ImageConfig, Service
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext

root = Path({str(config.root)!r})
services.SHORT_FOLDER = Path({str(folders)!r})
service = Service(name="cache", command={service.command!r}, port={service.port})
config = ImageConfig(root=root, project=root, name="web", app="shop:app", services=(service,))
with services.running(config, StepContext(say=print)):
    print("ready", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        pid = int(log(config).split()[0])
        process.kill()
    wait_until_dead(pid)
    [left] = folders.iterdir()
    # The next run removes what that one left.
    with running(config, context()):
        assert not left.exists()


def test_other_images_of_the_project_wait(config: ImageConfig) -> None:
    config = serving(config, SERVES)
    other = replace(config, name="worker")
    said: list[str] = []
    done: list[str] = []

    def run_other() -> None:
        with running(other, context(said.append)):
            done.append("other")

    with running(config, context()):
        thread = threading.Thread(target=run_other)
        thread.start()
        end = time.monotonic() + 20
        while not said and time.monotonic() < end:
            time.sleep(0.01)
        assert done == []
    thread.join(20)
    assert said == ["the services of shop are running for another build; waiting for it"]
    assert done == ["other"]


# What is said when it is not there.


def error_of(config: ImageConfig) -> ServiceError:
    with pytest.raises(ServiceError) as caught, running(config, context()):
        pass
    assert isinstance(caught.value, SmokeError)
    assert caught.value.exit_code == 7
    return caught.value


@pytest.mark.parametrize("command", ["no-such-program", "./cache.sh", "bin/"])
def test_a_program_that_is_not_there_is_named(config: ImageConfig, command: str) -> None:
    service = Service(name="cache", command=(command, "x"), port=free_port())
    error = error_of(replace(config, services=(service,)))
    assert str(error) == (
        f'The service cache cannot be started: the program "{command}" was not found.\n'
        "Install it, or correct the command of the service."
    )
    assert error.line == f'the service cache cannot be started: the program "{command}" was not found'


def test_a_program_may_be_one_of_the_project(config: ImageConfig) -> None:
    config = serving(config, SERVES)
    script = config.root / "cache.sh"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -IS cache.py\n", encoding="utf-8")
    script.chmod(0o755)
    config = replace(config, services=(replace(config.services[0], command=("./cache.sh",)),))
    with running(config, context()):
        assert is_taken(config.services[0].port)


def test_a_port_that_somebody_has_is_told(config: ImageConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        service = Service(name="cache", command=("true",), port=port)
        error = error_of(replace(config, services=(service,)))
    assert str(error) == (
        f"The service cache cannot be started: another program already listens at 127.0.0.1:{port}.\n"
        "Stop that program, or choose another port for the service and for whatever tells the program about it."
    )
    assert error.line == f"the service cache cannot be started: another program already listens at 127.0.0.1:{port}"


def test_a_service_that_ends_early_is_told_with_its_last_line(config: ImageConfig) -> None:
    config = serving(config, "print('größe https://me:secret@example.org')\nraise SystemExit('no space left')\n")
    port = config.services[0].port
    error = error_of(config)
    assert str(error) == (
        f"The service cache ended with exit code 1 before it listened at 127.0.0.1:{port}; "
        "its log, in full in build/pystatic/web/service-cache.log, ends with:\n"
        "  | no space left\n"
        "Correct its command, which must serve in the foreground until TERM ends it."
    )
    assert error.line == (
        f"the service cache ended with exit code 1 before it listened at 127.0.0.1:{port}: no space left "
        "(build/pystatic/web/service-cache.log)"
    )
    assert log(config) == "größe https://***@example.org\nno space left\n"


@pytest.mark.parametrize(
    ("code", "how"), [("", 0), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL)]
)
def test_a_service_that_ends_early_without_a_word_is_told_so(config: ImageConfig, code: str, how: int) -> None:
    config = serving(config, code)
    port = config.services[0].port
    error = error_of(config)
    assert str(error) == (
        f"The service cache ended with exit code {how} before it listened at 127.0.0.1:{port}, and printed nothing.\n"
        "Correct its command, which must serve in the foreground until TERM ends it."
    )
    assert error.line == (
        f"the service cache ended with exit code {how} before it listened at 127.0.0.1:{port}, and printed nothing"
    )


def test_a_service_that_is_not_ready_in_time_is_told_and_stopped(config: ImageConfig) -> None:
    code = "import os, time\nprint('loading', os.getpid(), flush=True)\ntime.sleep(60)\n"
    config = serving(config, code, timeout=0.5)
    error = error_of(config)
    pid = int(log(config).split()[1])
    assert str(error) == (
        f"The service cache did not listen at 127.0.0.1:{config.services[0].port} within 0.5 seconds; "
        "its log, in full in build/pystatic/web/service-cache.log, ends with:\n"
        f"  | loading {pid}\n"
        "Correct its port, or raise its timeout."
    )
    assert not is_alive(pid)


def test_those_before_one_that_fails_are_stopped(config: ImageConfig) -> None:
    config = serving(serving(config, SERVES, "a"), "raise SystemExit(3)\n", "b")
    assert "The service b ended with exit code 3" in str(error_of(config))
    assert not is_taken(config.services[0].port)


# What others want to know of them.


def test_they_are_listed_with_their_addresses() -> None:
    services = [Service(name=name, command=("x",), port=port) for name, port in (("cache", 6379), ("postgresql", 5432))]
    assert listed(services) == "cache at 127.0.0.1:6379, postgresql at 127.0.0.1:5432"


def test_what_decides_what_they_are(config: ImageConfig) -> None:
    (config.root / "cache.sh").write_text("one", encoding="utf-8")
    service = Service(name="cache", command=("sh", "cache.sh", "/etc/passwd", "../x", "."), port=6379)
    config = replace(config, services=(service,))
    [found] = inputs(config)
    assert [bool(each) for each in found["files"]] == [False, True]  # type: ignore[attr-defined]
    for other in (replace(service, port=1), replace(service, command=("sh",))):
        assert inputs(replace(config, services=(other,))) != [found]
    (config.root / "cache.sh").write_text("two", encoding="utf-8")
    assert inputs(config) != [found]
    assert inputs(replace(config, services=())) == []
