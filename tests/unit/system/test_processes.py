from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pystatic_tasks.errors import PystaticError
from pystatic_tasks.system.processes import (
    ENDING_SIGNALS,
    handling,
    last_lines,
    run_logged,
    tool_environment,
    undisturbed,
)


def script(code: str) -> list[object]:
    return [Path(sys.executable), "-c", textwrap.dedent(code)]


def test_foreign_variables_do_not_reach_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("KEPT", "yes")
    environment = tool_environment({"ADDED": "1", "KEPT": "changed"})
    assert not {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"} & set(environment)
    assert (environment["ADDED"], environment["KEPT"], environment["PATH"]) == ("1", "changed", os.environ["PATH"])
    assert tool_environment()["KEPT"] == "yes"


def test_the_whole_output_is_kept_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "work" / "tool.log"
    command = script("""
        import sys
        print("to standard output", flush=True)
        print("to standard error", file=sys.stderr)
    """)
    assert run_logged(command, log, verbose=False) == 0
    assert log.read_text(encoding="utf-8") == "to standard output\nto standard error\n"
    assert capsys.readouterr() == ("", "")


def test_the_output_is_shown_too_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_logged(script("print('one'); print('two')"), tmp_path / "tool.log", verbose=True)
    assert capsys.readouterr() == ("", "one\ntwo\n")
    assert (tmp_path / "tool.log").read_text(encoding="utf-8") == "one\ntwo\n"


def test_credentials_are_hidden_in_the_log_and_in_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []
    command = ["echo", "fetching https://me:secret@index.example/simple"]
    run_logged(command, tmp_path / "log", verbose=True, watch=heard.append)
    hidden = "fetching https://***@index.example/simple\n"
    assert (heard, capsys.readouterr().err) == ([hidden], hidden)
    assert (tmp_path / "log").read_text(encoding="utf-8") == hidden


def test_what_else_is_hidden_is_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_logged(["echo", "a sesame"], tmp_path / "log", verbose=True, hide=lambda line: line.replace("sesame", "***"))
    assert (capsys.readouterr().err, (tmp_path / "log").read_text(encoding="utf-8")) == ("a ***\n", "a ***\n")


def test_every_line_is_told_to_whoever_watches(tmp_path: Path) -> None:
    lines: list[str] = []
    run_logged(script("print('one'); print('two')"), tmp_path / "tool.log", verbose=False, watch=lines.append)
    assert lines == ["one\n", "two\n"]


def test_a_tool_is_killed_when_the_program_that_runs_it_is(tmp_path: Path) -> None:
    log = tmp_path / "tool.log"
    tool = script("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    runner = script(f"""
        from pathlib import Path
        from functools import partial
        from pystatic_tasks.system.processes import run_logged
        tell = partial(print, flush=True)
        run_logged({list(map(str, tool))!r}, Path({str(log)!r}), verbose=False, watch=tell)
    """)
    with subprocess.Popen(list(map(str, runner)), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_the_exit_code_is_the_tools(tmp_path: Path) -> None:
    assert run_logged(script("raise SystemExit(3)"), tmp_path / "tool.log", verbose=False) == 3


def test_a_log_holds_one_run(tmp_path: Path) -> None:
    log = tmp_path / "tool.log"
    log.write_text("of another run\n", encoding="utf-8")
    run_logged(script("print('now')"), log, verbose=False)
    assert log.read_text(encoding="utf-8") == "now\n"


def test_the_tool_runs_in_the_given_folder_and_environment_without_input(tmp_path: Path) -> None:
    command = script("import os, sys; print(os.getcwd(), os.environ['X'], repr(sys.stdin.read()))")
    run_logged(command, tmp_path / "tool.log", verbose=False, cwd=tmp_path, env={"X": "1"})
    assert (tmp_path / "tool.log").read_text(encoding="utf-8") == f"{tmp_path} 1 ''\n"


def test_output_that_is_not_utf_8_does_no_harm(tmp_path: Path) -> None:
    command = script("import sys; sys.stdout.buffer.write(b'a\\xffb\\n')")
    assert run_logged(command, tmp_path / "tool.log", verbose=False) == 0
    assert (tmp_path / "tool.log").read_text(encoding="utf-8").startswith("a")


def test_an_interrupted_tool_is_ended(tmp_path: Path) -> None:
    command = script("""
        import os, time
        print(os.getpid(), flush=True)
        time.sleep(60)
    """)

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_logged(command, tmp_path / "tool.log", verbose=False, watch=interrupt)
    pid = int((tmp_path / "tool.log").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_must_be_done_is_not_interrupted(tmp_path: Path) -> None:
    """Neither here nor in a tool."""
    before = signal.getsignal(signal.SIGTERM)
    with undisturbed():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        subprocess.run(["sh", "-c", f"kill -TERM $$; touch {tmp_path}/done"], check=True)
    assert (tmp_path / "done").exists()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_is_ignored_stays_so() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handling(lambda number, frame: heard.append(number)):
            for number in (signal.SIGHUP, signal.SIGTERM):
                os.kill(os.getpid(), number)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard == [signal.SIGTERM]


def test_another_thread_says_nothing_of_signals() -> None:
    def run() -> list[object]:
        with handling(signal.SIG_IGN):
            return [signal.getsignal(number) for number in ENDING_SIGNALS]

    before = [signal.getsignal(number) for number in ENDING_SIGNALS]
    with ThreadPoolExecutor() as pool:
        assert pool.submit(run).result() == before


def test_the_last_lines_are_those_with_text(tmp_path: Path) -> None:
    log = tmp_path / "tool.log"
    log.write_text("one\n\ntwo\n   \nthree\n\n", encoding="utf-8")
    assert last_lines(log, 2) == ["two", "three"]
    assert last_lines(log) == ["one", "two", "three"]


def test_ten_lines_are_shown_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "tool.log"
    log.write_text("".join(f"{n}\n" for n in range(100)), encoding="utf-8")
    assert last_lines(log) == [str(n) for n in range(90, 100)]


@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_a_log_is_no_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "victim").write_text("precious", encoding="utf-8")
    (tmp_path / "tool.log").symlink_to(target)
    with pytest.raises(PystaticError) as caught:
        run_logged(script("print('now')"), tmp_path / "tool.log", verbose=False)
    assert str(caught.value) == (
        f"{tmp_path}/tool.log is a link, and a build would write to its target.\n"
        "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tool.log", "victim"]
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "precious"
