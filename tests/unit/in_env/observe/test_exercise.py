from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import tool_or_skip

from pystatic_tasks.in_env.observe.exercise import collected_in_place, observe
from pystatic_tasks.in_env.protocol import Exercise, HttpRequest, Observed, ObservedAnswer
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.steps.build_environment import IN_ENV

pytestmark = pytest.mark.usefixtures("nothing_installed")
SERVER = """\
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = "nothing"
        if self.path == "/page":
            print("asked for the page", flush=True)
            body = open("data/page.html").read() + f"<p>{os.urandom(9).hex()}, then page {os.getpid()}</p>"
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    """One of a script in a folder with data."""
    (tmp_path / "cwd" / "data").mkdir(parents=True)
    (tmp_path / "cwd" / "data" / "page.html").write_text("<h1>Notes</h1>")
    records = tmp_path / "records"
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return Exercise(
        arguments=("main.py",),
        environment={**kept, "PYTHONPATH": str(IN_ENV / "observe" / "recorder"), "PYSTATIC_RECORDS": str(records)},
        folder=str(tmp_path / "cwd"),
        records=str(records),
        log=str(tmp_path / "log"),
        port=0,
        requests=(),
        timeout=20.0,
        text=None,
        exit_code=0,
        long_running=False,
        further=(),
        further_folder=str(tmp_path),
        module="",
        loose=(str(tmp_path / "cwd"),),
        built=str(tmp_path / "built"),
        tools=(),
        server="",
    )


def run(exercise: Exercise, code: str, **changes: Any) -> Observed:
    Path(exercise.folder, "main.py").write_text(code, encoding="utf-8")
    return observe(replace(exercise, **changes))


def get(path: str) -> HttpRequest:
    return HttpRequest(path=path, method="GET", headers={}, body=None)


def data(observed: Observed) -> set[str]:
    return {Path(source).name for source, _ in observed.data}


def serve(exercise: Exercise, *requests: HttpRequest, code: str = SERVER, **changes: Any) -> Observed:
    port = free_port()
    environment = {**exercise.environment, "PORT": str(port)}
    return run(exercise, code, port=port, requests=requests, environment=environment, **changes)


def test_a_service_is_asked_and_what_it_then_needs_is_seen(exercise: Exercise) -> None:
    observed = serve(exercise, get("/page"), get("/gone"))
    assert observed.problem == ""
    assert observed.answers == (
        ObservedAnswer(
            request="GET /page",
            status=200,
            type="text/html",
            words=("Notes", "page", "then"),
            files=("data/page.html",),
        ),
        ObservedAnswer(request="GET /gone", status=404, type="text/html"),
    )
    assert "page.html" in data(observed)


def test_the_log_is_that_of_the_first_time_and_of_the_end(exercise: Exercise) -> None:
    end = "import atexit, signal, sys\natexit.register(print, 'ends')\nsignal.signal(15, lambda *_: sys.exit())\n"
    # The first request is asked once more before, until there is an answer.
    assert serve(exercise, get("/page"), code=end + SERVER).log == "asked for the page\nasked for the page\nends\n"


PAGE_WITH_PARTS = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        allowed = self.headers["Authorization"] == "Bearer ada" and "Accept" not in self.headers
        body = b"<script src='static/app.js'></script><img src='/gone.png'><a href='/static/other.js'>"
        if self.path.startswith("/static/"):
            body = open("data/" + self.path.rpartition("/")[2], "rb").read() if allowed else b""
        self.send_response(404 if self.path == "/gone.png" else 200)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "text/javascript")
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_what_a_browser_loads_with_a_page_is_loaded(exercise: Exercise) -> None:
    for name in ("app.js", "other.js"):
        Path(exercise.folder, "data", name).write_text("1")
    page = replace(get("/"), headers={"Authorization": "Bearer ada", "Accept": "text/html"})
    observed = serve(exercise, page, code=PAGE_WITH_PARTS)
    assert observed.problem == ""
    [answer] = observed.answers
    assert answer.parts == (("/static/app.js", 200), ("/gone.png", 404))
    assert [use.occasion for use in observed.uses] == ["start", "GET /", "parts of GET /", "once more", "end"]
    assert Path(exercise.folder, "data", "app.js") in {Path(source) for source, _ in observed.data}


def test_what_is_not_asked_for_is_not_seen(exercise: Exercise) -> None:
    assert "page.html" not in data(serve(exercise, get("/")))


def test_a_service_that_ends_is_told_with_its_last_line(exercise: Exercise) -> None:
    observed = serve(exercise, get("/"), code="open('data/page.html')\nraise SystemExit('no database: größe')\n")
    assert observed.problem == "it ended with exit code 1: no database: größe"
    assert "page.html" in data(observed)


FAILING = """
import traceback
try:
    {}
except Exception:
    traceback.print_exc()
raise SystemExit("{}")
"""
BOOT = "[1] [ERROR] Reason: Worker failed to boot."
STARTUP = "ERROR:    Application startup failed. Exiting."


@pytest.mark.parametrize(
    ("raised", "last", "told"),
    [
        ("raise KeyError(1)", BOOT, "KeyError: 1"),
        ("raise KeyError(1)", STARTUP, "KeyError: 1"),
        ("pass", BOOT, BOOT),
        ("raise KeyError(1)", "no database", "no database"),
    ],
)
def test_a_server_that_cannot_start_its_workers_is_told_with_the_exception(
    exercise: Exercise, raised: str, last: str, told: str
) -> None:
    observed = serve(exercise, get("/"), code=FAILING.format(raised, last))
    assert observed.problem == f"it ended with exit code 1: {told}"


def test_a_service_that_says_nothing_is_not_waited_for_forever(exercise: Exercise) -> None:
    observed = serve(exercise, get("/"), code="import time\ntime.sleep(60)\n", timeout=0.3)
    assert observed.problem == "it did not answer within 0.3 seconds"


def test_a_port_that_somebody_has_is_told(exercise: Exercise) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(exercise, SERVER, port=port).problem == f"port {port} is in use here"


def test_a_command_runs_to_its_end(exercise: Exercise) -> None:
    code = "import sys\nassert sys.argv[1:] == ['größe']\nopen('data/page.html')\nsys.exit(3)\n"
    observed = run(exercise, code, arguments=("main.py", "größe"), exit_code=3)
    assert observed.problem == ""
    assert "page.html" in data(observed)


def test_a_command_that_ends_otherwise_is_told(exercise: Exercise) -> None:
    assert run(exercise, "print('a')\nraise SystemExit(2)\n").problem == "it ended with exit code 2: a"
    assert run(exercise, "import time\ntime.sleep(60)\n", timeout=0.2).problem == (
        "it did not end within 0.2 seconds (smoke.timeout)"
    )


def test_a_long_running_program_is_told_to_end_once_it_is_ready(exercise: Exercise) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('data/page.html'), sys.exit(0)))\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    observed = run(exercise, code, long_running=True, text="ready")
    assert observed.problem == ""
    assert "page.html" in data(observed)
    assert run(exercise, code, long_running=True, text="else", timeout=0.5).problem == (
        'it did not print "else" within 0.5 seconds: ready'
    )


def test_a_further_command_exercises_it_too(exercise: Exercise, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(
        "import os, urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/page')\n"
    )
    observed = serve(exercise, get("/"), further=("python3", "ask.py"))
    assert observed.problem == ""
    assert "page.html" in data(observed)


def test_a_further_command_that_fails_is_told(exercise: Exercise) -> None:
    assert run(exercise, "", further=("sh", "-c", "echo no; exit 4")).problem == "sh ended with exit code 4: no"
    missing = run(exercise, "", further=("no-such-program",)).problem
    assert missing == 'the program "no-such-program" was not found'


def test_nothing_of_it_is_left(exercise: Exercise) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    run(exercise, code, long_running=True, text="\n")
    child = int(Path(exercise.log).read_text(encoding="utf-8").split()[0])
    end = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there that somebody has yet to kill."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_program_ends_with_whoever_observes_it(exercise: Exercise, tmp_path: Path, number: signal.Signals) -> None:
    if number == signal.SIGKILL:
        tool_or_skip("setpriv")
    code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    Path(exercise.folder, "main.py").write_text(code, encoding="utf-8")
    question = tmp_path / "question.json"
    question.write_text(json.dumps(to_json(replace(exercise, timeout=60.0))), encoding="utf-8")
    command = [
        sys.executable,
        str(IN_ENV / "boot.py"),
        "observe.exercise",
        str(question),
        str(tmp_path / "answer.json"),
    ]
    with subprocess.Popen(command) as observer:
        end = time.monotonic() + 20
        log = Path(exercise.log)
        while not (log.exists() and log.read_text(encoding="utf-8").strip()) and time.monotonic() < end:
            time.sleep(0.02)
        program = int(log.read_text(encoding="utf-8"))
        observer.send_signal(number)
        observer.wait(20)
    while Path(f"/proc/{program}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not Path(f"/proc/{program}").exists()


def test_collected_files_are_there_while_the_program_runs_and_no_longer(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "page.css").write_text("red", encoding="utf-8")
    packages = tmp_path / "site-packages"
    with collected_in_place([str(tmp_path / "static"), "shop/files"], packages):
        assert (packages / "shop" / "files" / "page.css").read_text(encoding="utf-8") == "red"
    assert list((packages / "shop").iterdir()) == []


def test_files_of_the_programs_own_stay_in_their_place(tmp_path: Path) -> None:
    own = tmp_path / "site-packages" / "files" / "page.css"
    own.parent.mkdir(parents=True)
    own.write_text("blue", encoding="utf-8")
    with collected_in_place([str(tmp_path), "files"], tmp_path / "site-packages"):
        assert own.read_text(encoding="utf-8") == "blue"
    assert own.exists()
