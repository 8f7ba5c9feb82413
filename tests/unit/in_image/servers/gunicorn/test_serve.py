from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forked import forked
from gunicorn.errors import HaltServer

from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.in_image.errors import SettingsError
from pystatic_tasks.in_image.servers.gunicorn import settings as server_settings
from pystatic_tasks.in_image.servers.gunicorn.serve import (
    StandaloneApplication,
    refuse_no_heartbeat,
    refuse_ports_in_use,
    refuse_what_was_left_out,
)
from pystatic_tasks.in_image.servers.gunicorn.settings import configure

APP = """
import gc
import os

loaded_in = os.getpid()

def app(environ, start_response):
    start_response("503 Ill" if environ["PATH_INFO"] == "/ill" else "200 OK", [])
    words = [os.getpid(), environ["SERVER_NAME"], loaded_in, gc.get_freeze_count()]
    return [" ".join(map(str, words)).encode()]

def create():
    return app
"""
USAGE = """\
usage: python -m pystatic_tasks.runner TARGET [--healthcheck [PATH] | arguments of gunicorn]

TARGET is package.module:callable or package.module:factory().
"""
WRITABLE_FOLDER = (
    "Mount a writable /dev/shm, as engines do unless told otherwise (--tmpfs /dev/shm), "
    "or name another folder: --worker-tmp-dir."
)
DIRTY = {"dirty_apps": ["shop:Model"], "dirty_workers": 1}
FOREIGN = ("PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "LISTEN_FDS", "GUNICORN_FD")


@dataclass
class Server:
    """A running server, and where it is."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            text: str = response.read().decode()
            return text

    def wait_until_ready(self) -> None:
        end = time.monotonic() + 15
        while self.process.poll() is None and time.monotonic() < end:
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(self.stop())

    def wait_until_printed(self, text: str, times: int) -> None:
        end = time.monotonic() + 15
        while self.log.read_text(encoding="utf-8").count(text) < times:
            assert time.monotonic() < end, self.stop()
            time.sleep(0.01)

    def stop(self) -> str:
        """End it; what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an application."""
    path = tmp_path_factory.mktemp("app")
    (path / "shop.py").write_text(APP, encoding="utf-8")
    return path


def environment(variables: dict[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in FOREIGN}, **variables}


@contextmanager
def serving(folder: Path, *arguments: str, port: int, target: str = "shop:app", **variables: str) -> Iterator[Server]:
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pystatic_tasks.runner", target, *arguments],
            cwd=folder,
            env=environment(variables),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        server = Server(process, port, Path(log.name))
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()


Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Exit code and output of a program that ends by itself."""
    with forked("gunicorn.app.base", "pystatic_tasks.in_image.unfrozen", "pystatic_tasks.config.model") as python:

        def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
            words, env = ("pystatic_tasks.runner", *arguments), environment(variables)
            result = python.run(*words, cwd=folder, env=env, together=True)
            return result.returncode, result.stdout

        yield run


def run_python(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
        check=False,
    )
    return result.returncode, result.stdout


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """One worker, at the address that the arguments of gunicorn name."""
    port = free_port()
    arguments = f"--bind 127.0.0.1:{port} --workers 1"
    with serving(folder, port=port, target="shop:create()", GUNICORN_CMD_ARGS=arguments, WEB_CONCURRENCY="3") as found:
        yield found


def test_the_application_answers(server: Server) -> None:
    assert server.get().split()[1] == "127.0.0.1"


def test_arguments_of_gunicorn_go_before_the_number_of_workers(server: Server) -> None:
    assert len({server.get() for _ in range(8)}) == 1
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text(encoding="ascii")
    assert len(children.split()) == 1


def test_the_application_is_loaded_once_before_the_workers(server: Server) -> None:
    worker, _, loaded_in, _ = server.get().split()
    assert int(loaded_in) == server.process.pid != int(worker)


def test_what_the_workers_share_is_no_garbage_to_collect(server: Server) -> None:
    assert int(server.get().split()[3]) > 1000


@pytest.mark.parametrize(("path", "code"), [((), 0), (("/",), 0), (("/ill",), 1)])
def test_the_program_asks_itself_whether_it_is_well(
    folder: Path, run: Run, server: Server, path: tuple[str, ...], code: int
) -> None:
    arguments = f"--bind 127.0.0.1:{server.port}"
    found, output = run(folder, "shop:app", "--healthcheck", *path, GUNICORN_CMD_ARGS=arguments)
    assert (found, output) == (code, "unhealthy: /ill answered 503\n" if code else "")


def test_a_port_in_use_is_told_at_once(folder: Path, run: Run, server: Server) -> None:
    assert run(folder, "shop:app", "--bind", f"127.0.0.1:{server.port}") == (
        2,
        f"Error: Port {server.port} of 127.0.0.1 is in use. "
        "Stop the program that holds it, or set PORT to a free one.\n",
    )


def test_port_and_workers_are_set_by_the_environment_and_term_ends_it_in_order(folder: Path) -> None:
    port = free_port()
    with serving(folder, port=port, PORT=str(port), WEB_CONCURRENCY="3") as server:
        server.wait_until_printed("Booting worker", 3)
        output = server.stop()
        assert server.process.returncode == 0
    assert f"Listening at: http://0.0.0.0:{port}" in output
    assert output.count("Booting worker") == 3
    assert "[ERROR]" not in output
    assert "Traceback" not in output


def test_a_unix_socket_is_served_and_asked(folder: Path, run: Run, tmp_path: Path) -> None:
    bind = f"unix:{tmp_path}/s"
    process = subprocess.Popen(
        [sys.executable, "-m", "pystatic_tasks.runner", "shop:app", "--bind", bind, "--workers", "1"],
        cwd=folder,
        env=environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 15
        while not (tmp_path / "s").exists() and time.monotonic() < end:
            time.sleep(0.01)
        assert run(folder, "shop:app", "--healthcheck", GUNICORN_CMD_ARGS=f"--bind {bind}") == (0, "")
    finally:
        process.terminate()
        try:
            code = process.wait(15)
        finally:
            process.kill()
    assert code == 0


def test_without_a_target_the_usage_is_told(folder: Path, run: Run) -> None:
    assert run(folder) == (2, USAGE)
    assert run(folder, "--workers") == (2, USAGE)


def test_a_configuration_can_be_checked_without_serving(folder: Path, server: Server) -> None:
    bind = f"127.0.0.1:{server.port}"  # Which is in use: it would not come as far as to serve.
    words = ("-m", "pystatic_tasks.runner", "shop:app", "--bind", bind, "--check-config")
    assert run_python(folder, *words, PYTHONSAFEPATH="1") == (0, "")


def test_the_application_is_loaded_in_the_folder_that_is_asked_for(folder: Path, run: Run, tmp_path: Path) -> None:
    (folder / "where.py").write_text("import os\n\nprint(os.getcwd())\napp = print\n", encoding="utf-8")
    assert run(folder, "where:app", "--chdir", str(tmp_path), "--check-config") == (0, f"{tmp_path}\n")


def test_checking_the_configuration_loads_the_application(folder: Path, run: Run) -> None:
    code, output = run(folder, "shop:nothing", "--check-config")
    assert code == 1
    assert output.splitlines()[-1] == "gunicorn.errors.AppImportError: Failed to find attribute 'nothing' in 'shop'."


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("nowhere:app", "ModuleNotFoundError: No module named 'nowhere'"),
        ("shop:nothing", "gunicorn.errors.AppImportError: Failed to find attribute 'nothing' in 'shop'."),
    ],
)
def test_an_application_that_does_not_load_ends_with_its_traceback(
    folder: Path, run: Run, target: str, error: str
) -> None:
    code, output = run(folder, target, "--bind", f"127.0.0.1:{free_port()}")
    assert code == 4
    assert output.startswith("Traceback (most recent call last):\n")
    assert output.endswith(f"{error}\n")
    assert "HaltServer" not in output


@pytest.mark.parametrize(("target", "code"), [("nowhere:app", 3), ("shop:nothing", 4)])
def test_workers_that_do_not_load_it_themselves_end_with_gunicorns_code(folder: Path, target: str, code: int) -> None:
    script = (
        "import sys\n"
        "from pystatic_tasks.in_image.application import import_app\n"
        "from pystatic_tasks.in_image.main import main\n"
        "from pystatic_tasks.in_image.servers.gunicorn import SERVER\n"
        f"sys.exit(main(SERVER, lambda: import_app({target!r}), {{'preload_app': False}}, {{}}, sys.argv[1:]))\n"
    )
    found, output = run_python(folder, "-c", script, "--bind", f"127.0.0.1:{free_port()}", "--workers", "1")
    assert found == code
    assert "HaltServer" not in output


def test_a_program_that_ends_while_it_is_loaded_says_why(folder: Path, run: Run) -> None:
    (folder / "ends.py").write_text("import sys\n\nsys.exit('no DATABASE_URL')\n", encoding="utf-8")
    assert run(folder, "ends:app", "--bind", f"127.0.0.1:{free_port()}") == (1, "no DATABASE_URL\n")


def test_a_folder_that_cannot_hold_the_heartbeat_is_told_at_once(folder: Path, run: Run) -> None:
    bind = f"127.0.0.1:{free_port()}"
    assert run(folder, "shop:app", "--bind", bind, "--worker-tmp-dir", "/nowhere") == (
        2,
        f"Error: The workers cannot keep their heartbeat in /nowhere: No such file or directory. {WRITABLE_FOLDER}\n",
    )


def test_a_configuration_can_be_printed(folder: Path, run: Run) -> None:
    code, output = run(folder, "shop:app", "--print-config", WEB_CONCURRENCY="7")
    assert code == 0
    assert ["workers", "=", "7"] in [line.split() for line in output.splitlines()]


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("PORT", "abc", "Error: PORT = 'abc' is not a valid port; ports range from 1 to 65535.\n"),
        (
            "WEB_CONCURRENCY",
            "abc",
            "Error: WEB_CONCURRENCY = 'abc' is refused by gunicorn: invalid literal for int() with base 0: 'abc'\n",
        ),
        (
            "GUNICORN_CMD_ARGS",
            "other:app",
            "Error: GUNICORN_CMD_ARGS names an application ('other:app'); this program has its own.\n",
        ),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(folder: Path, run: Run, variable: str, value: str, text: str) -> None:
    assert run(folder, "shop:app", **{variable: value}) == (2, text)


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("127.0.0.1:http", "'http' is not a valid port number."),
        ("127.0.0.1:99999", "ports go from 1 to 65535."),
    ],
)
def test_a_wrong_address_is_told_in_one_line(folder: Path, run: Run, bind: str, reason: str) -> None:
    text = f"bind = '{bind}' is not a valid address: {reason}\n"
    assert run(folder, "shop:app", "--bind", bind) == (2, f"Error: The command line: {text}")
    asked = run(folder, "shop:app", "--healthcheck", GUNICORN_CMD_ARGS=f"--bind {bind}")
    assert asked == (2, f"Error: GUNICORN_CMD_ARGS: {text}")


def test_settings_of_the_project_are_checked_before_anything_is_loaded(folder: Path) -> None:
    script = (
        "import sys\n"
        "from pystatic_tasks.in_image.main import main\n"
        "from pystatic_tasks.in_image.servers.gunicorn import SERVER\n"
        "sys.exit(main(SERVER, lambda: sys.exit('loaded'), {'worker': 1}, {}, []))\n"
    )
    text = "Error: server.worker is not a setting of gunicorn; did you mean 'workers'?\n"
    assert run_python(folder, "-c", script) == (2, text)


def test_what_was_left_out_is_told_before_anything_is_loaded(folder: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules['gunicorn.dirty'] = None\n"
        "from pystatic_tasks.in_image.main import main\n"
        "from pystatic_tasks.in_image.servers.gunicorn import SERVER\n"
        f"sys.exit(main(SERVER, lambda: sys.exit('loaded'), {DIRTY}, {{}}, []))\n"
    )
    text = "Error: dirty_apps cannot be added here: name them in the settings that the program is built with.\n"
    assert run_python(folder, "-c", script) == (2, text)


# Ports, before gunicorn tries them.


YOUNG_WORKER = """
import sys, time
from pathlib import Path
from pystatic_tasks.in_image.main import main
from pystatic_tasks.in_image.servers.gunicorn import SERVER

def post_fork(server, worker):
    Path("forked").touch()
    time.sleep(60)

own = {"post_fork": post_fork, "graceful_timeout": 60, "workers": 1, "bind": "127.0.0.1:0"}
sys.exit(main(SERVER, lambda: print, {}, own, []))
"""


def test_a_worker_that_has_no_handlers_yet_ends_by_term(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", YOUNG_WORKER]
    with subprocess.Popen(command, cwd=tmp_path, env=environment({}), stderr=subprocess.PIPE, text=True) as process:
        try:
            while not (tmp_path / "forked").exists():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, logged = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "[ERROR]" not in logged


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that somebody listens on."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_port_that_was_in_use_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            connection, _ = server.accept()
            connection.close()  # Who closes first keeps the port in TIME_WAIT.
            assert client.recv(1) == b""
    refuse_ports_in_use(configure({"bind": f"127.0.0.1:{port}"}, {}))


def test_a_port_that_is_shared_on_purpose_may_be_in_use(taken: str) -> None:
    with pytest.raises(SettingsError):
        refuse_ports_in_use(configure({"bind": taken}, {}))
    refuse_ports_in_use(configure({"bind": taken, "reuse_port": True}, {}))


@pytest.mark.parametrize("name", ["LISTEN_FDS", "GUNICORN_FD"])
def test_a_port_that_is_handed_over_may_be_in_use(taken: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    refuse_ports_in_use(configure({"bind": taken}, {}))


def test_a_port_that_only_root_may_take_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidding(socket.socket):
        def bind(self, _: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidding)
    with pytest.raises(SettingsError) as caught:
        refuse_ports_in_use(configure({"bind": "0.0.0.0:80"}, {}))
    assert str(caught.value) == "Port 80 of 0.0.0.0 is not allowed to this user. Set PORT to one above 1023."


# The application, before it is served.


def fail() -> Any:
    raise ValueError("größe")


def make_application(load: Callable[[], Any], **settings: Any) -> StandaloneApplication:
    return StandaloneApplication(load, configure(settings, {}))


def test_what_is_loaded_before_the_workers_is_left_to_them_whole() -> None:
    before = gc.get_freeze_count()
    try:
        assert make_application(lambda: print).load() is print
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_what_each_worker_loads_is_its_own() -> None:
    before = gc.get_freeze_count()
    assert make_application(lambda: print, preload_app=False).load() is print
    assert gc.get_freeze_count() == before


def test_an_error_before_the_workers_is_shown_and_ends_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HaltServer) as caught:
        make_application(fail).load()
    assert caught.value.exit_status == 4
    assert capsys.readouterr().err.splitlines()[-1] == "ValueError: größe"


def test_an_error_in_a_worker_is_gunicorns_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"^größe$"):
        make_application(fail, preload_app=False).load()
    assert capsys.readouterr().err == ""


# What a server needs of its surroundings.


def test_a_heartbeat_needs_a_folder_that_is_writable(tmp_path: Path) -> None:
    refuse_no_heartbeat(configure({"worker_tmp_dir": str(tmp_path)}, {}))
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_any_writable_folder_says_what_to_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_settings, "HEARTBEAT_FOLDER", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError) as caught:
        refuse_no_heartbeat(configure({}, {}))
    assert str(caught.value) == (
        f"The workers cannot keep their heartbeat anywhere: neither /dev/shm nor /tmp is writable. {WRITABLE_FOLDER}"
    )


def test_dirty_apps_run_where_their_server_is() -> None:
    refuse_what_was_left_out(configure(DIRTY, {}))


@pytest.mark.parametrize("settings", [{}, {**DIRTY, "dirty_workers": 0}, {**DIRTY, "dirty_apps": []}])
def test_without_dirty_apps_nothing_is_missed(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]) -> None:
    monkeypatch.setitem(sys.modules, "gunicorn.dirty", None)
    refuse_what_was_left_out(configure(settings, {}))
