from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import tool_or_skip

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.fronts import nox_process as module
from pystatic_tasks.fronts.nox_process import (
    Call,
    find_sessions,
    leave_exit_code,
    nox_command,
    nox_environment,
    read_call,
    run,
    shown_as,
    wait_for,
)
from pystatic_tasks.fronts.sessions.environment import where_it_was_called
from pystatic_tasks.system.files import owned, pid_namespace

SHOP = '[tool.pystatic-tasks]\nname = "shop"\napp = "shop:app"\n'
TWO = """
[tool.pystatic-tasks.images.web]
app = "shop:app"
[tool.pystatic-tasks.images.worker]
script = "worker.py"
"""
# Waits in a program of its own, and says so; there a signal does no harm to the tests.
WAITING = """
import sys
from pystatic_tasks.fronts.nox_process import wait_for
sys.exit(wait_for([sys.executable, "-c", sys.argv[1]]))
"""
PATIENT = "import time; print('ready', flush=True); time.sleep(20)"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PYSTATIC_", "NOX"))]:
        monkeypatch.delenv(name)


def call(folder: Path, text: str = SHOP, **options: Any) -> Call:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return Call(**{"root": folder, "step": "image", **options})


# What Nox is asked for.


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--layout", "tre"), '--layout = "tre": must be one of "onefile", "tree"'),
        (("--tag", "Shop:1"), '--tag = "Shop:1": has capital letters in the repository'),
        (("--nope",), 'unknown word "--nope"'),
    ],
)
def test_a_wrong_word_is_told_before_nox_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    assert run(call(tmp_path, words=words)) == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_the_command_line_of_nox(tmp_path: Path) -> None:
    assert nox_command(call(tmp_path, words=("--tag=1", "--verbose")), ["image-web", "image-cron"]) == [
        *(sys.executable, "-m", "nox", "-f", str(Path(module.__file__).with_name("carried_noxfile.py"))),
        *("--envdir", f"{tmp_path}/build/pystatic/environments", "--error-on-missing-interpreters"),
        *("-s", "image-web", "image-cron", "--", "--tag=1", "--verbose"),
    ]


@pytest.mark.parametrize(
    ("text", "images", "sessions"),
    [
        (SHOP, (), ["image"]),
        (SHOP, ("shop",), ["image"]),
        (TWO, (), ["image"]),
        (TWO, ("web",), ["image-web"]),
        (TWO, ("worker", "web", "worker"), ["image-worker", "image-web"]),
    ],
)
def test_each_image_has_a_session(tmp_path: Path, text: str, images: tuple[str, ...], sessions: list[str]) -> None:
    assert find_sessions(call(tmp_path, text, images=images)) == sessions


@pytest.mark.parametrize("images", [(), ("web",), ("web", "worker")])
def test_what_is_done_for_the_whole_project_has_one_session(tmp_path: Path, images: tuple[str, ...]) -> None:
    assert find_sessions(call(tmp_path, TWO, step="resolve", images=images)) == ["resolve"]


@pytest.mark.parametrize(("text", "hint"), [(SHOP, "available: shop"), (TWO, "available: web, worker")])
def test_an_image_that_is_not_there_is_named(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_sessions(call(tmp_path, text, images=("cron",)))
    assert str(caught.value) == f'There is no image "cron"; {hint}\nName one of them.'


def test_variables_of_an_outer_nox_and_environment_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOXSESSION", "NOX_CURRENT_SESSION", "NOXPYTHON", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "outer")
    for name in ("NOX_DEFAULT_VENV_BACKEND", "VIRTUAL_ENVIRONMENT", "PYTHONPATH"):
        monkeypatch.setenv(name, "wish")
    found = nox_environment(call(tmp_path), tmp_path / "code")
    assert "outer" not in found.values()
    assert sorted(name for name, value in found.items() if value == "wish") == [
        *("NOX_DEFAULT_VENV_BACKEND", "PYTHONPATH", "VIRTUAL_ENVIRONMENT")
    ]


def test_the_call_travels_in_a_variable(tmp_path: Path) -> None:
    sent = call(
        tmp_path, images=("web",), words=("--tag=ü",), overrides={"freeze": {"excludes": ["x"]}}, shown_as="inv {step}"
    )
    found = nox_environment(sent, tmp_path / "code")
    assert found["PYSTATIC_EXIT_CODE"] == str(tmp_path / "code")
    assert read_call(found) == sent


def test_what_json_does_not_know_travels_as_text(tmp_path: Path) -> None:
    sent = call(tmp_path, overrides={"script": tmp_path / "job.py", "install": (".",)})
    received = read_call(nox_environment(sent, tmp_path)).overrides
    assert received == {"script": f"{tmp_path}/job.py", "install": ["."]}


def test_steps_are_shown_as_the_user_calls_them(tmp_path: Path) -> None:
    assert shown_as({}) == ""
    assert shown_as(nox_environment(call(tmp_path), tmp_path)) == ""
    assert shown_as(nox_environment(call(tmp_path, shown_as="inv {step}"), tmp_path)) == "inv {step}"


# Exit codes.


def test_the_first_failure_leaves_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_exit_code(4)
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    leave_exit_code(4)
    leave_exit_code(1)
    assert (tmp_path / "code").read_text(encoding="utf-8") == "4"


def test_whoever_waits_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "gone" / "code"))
    leave_exit_code(4)
    assert list(tmp_path.iterdir()) == []


def run_with_fake_nox(call: Call, monkeypatch: pytest.MonkeyPatch, script: str) -> int:
    monkeypatch.setattr(module, "nox_command", lambda *_: ["sh", "-c", script])
    return run(call)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 2", 2),
        ('echo -n 7 > "$PYSTATIC_EXIT_CODE"; exit 1', 7),
        ('echo -n 7 > "$PYSTATIC_EXIT_CODE"; exit 130', 130),
        ("kill -KILL $$", 137),
    ],
)
def test_the_exit_code_is_that_of_the_failure_or_noxs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: int
) -> None:
    assert run_with_fake_nox(call(tmp_path), monkeypatch, script) == code


def test_a_wrong_configuration_ends_it_before_anything_is_made(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(call(tmp_path, SHOP + "max-siz = 1\n")) == 2
    assert capfd.readouterr() == (
        "",
        f"1 problem in the configuration of {tmp_path}/pyproject.toml:\n"
        '  tool.pystatic-tasks.max-siz: unknown key; did you mean "max-size"?\n'
        "Correct the lines above and try again.\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "build").touch()
    assert run(call(tmp_path)) == 1
    assert capfd.readouterr().err == (
        f"{tmp_path}/build/pystatic/environments cannot be read or written: Not a directory.\n"
        "Check the file and its folder.\n"
    )


def test_the_real_nox_runs_the_carried_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOX_DEFAULT_VENV_BACKEND", "none")
    monkeypatch.setenv("NOXSESSION", "tests")
    # Modules of the project do not stand before Nox's.
    (tmp_path / "nox.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    assert run(call(tmp_path, TWO, images=("web",), words=("--no-cache",))) == 2
    printed = capfd.readouterr().err
    assert "Running session freeze-web\n" in printed
    assert "aborted: The session needs its own environment to build in, but Nox runs with --no-venv.\n" in printed
    assert "worker" not in printed


def test_what_words_mean_is_found_out_by_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOX_DEFAULT_VENV_BACKEND", "none")
    assert run(call(tmp_path, words=("--layout=flat",))) == 2
    assert '  --layout = "flat": must be one of "onefile", "tree"\n' in capfd.readouterr().err


# Signals.


def waiting(script: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_ctrl_c_reaches_both_and_the_end_is_waited_for() -> None:
    tidy = f"try:\n    {PATIENT}\nexcept KeyboardInterrupt: print('tidied up')\nraise SystemExit({{}})"
    for code, of_both in ((1, 130), (0, 0)):
        with waiting(tidy.format(code)) as process:
            os.killpg(process.pid, signal.SIGINT)
            assert process.communicate(timeout=10)[0] == "tidied up\n"
        assert process.returncode == of_both


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_term_and_the_end_of_a_terminal_are_passed_on(number: signal.Signals, code: int) -> None:
    started = time.monotonic()
    with waiting(PATIENT) as process:
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == code
    assert time.monotonic() - started < 10


def test_nox_is_asked_to_end_when_whoever_waits_is_killed() -> None:
    """So that it lets go of the image, and ends what it started."""
    tool_or_skip("setpriv")
    tidy = "import signal, time, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('tidied up')))\n"
    with waiting(f"{tidy}{PATIENT}") as process:
        process.kill()
        assert process.communicate(timeout=10)[0] == "tidied up\n"


def test_what_a_killed_call_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    left = tmp_path / "tmp" / f"pystatic-ns{pid_namespace()}-99999999-x"
    left.mkdir(parents=True)
    script = 'basename "$(dirname "$PYSTATIC_EXIT_CODE")" > name'
    assert run_with_fake_nox(call(tmp_path), monkeypatch, script) == 0
    named = (tmp_path / "build/pystatic/environments/name").read_text(encoding="utf-8")
    assert named.startswith(owned("pystatic-"))
    assert list(left.parent.iterdir()) == []


def test_the_handlers_of_signals_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert wait_for(["true"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_carried_sessions_run_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nox goes to the folder of the noxfile for each."""
    here = Path.cwd()
    with where_it_was_called():
        assert Path.cwd() == here
    monkeypatch.setenv("PYSTATIC_CALL", nox_environment(call(tmp_path), tmp_path / "code")["PYSTATIC_CALL"])
    with where_it_was_called():
        assert Path.cwd() == tmp_path
    assert Path.cwd() == here


def test_the_carried_noxfile_goes_to_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where pip and uv read the project's settings."""
    environment = nox_environment(call(tmp_path), tmp_path / "code")
    script = "import os, runpy, sys; runpy.run_path(sys.argv[1]); print(os.getcwd())"
    printed = subprocess.check_output([sys.executable, "-c", script, str(module.NOXFILE)], env=environment, text=True)
    assert printed.strip() == str(tmp_path)
    assert json.loads(environment["PYSTATIC_CALL"])["root"] == str(tmp_path)


@pytest.mark.parametrize(
    "name", ["build/pystatic", "build/pystatic/environments", "build/pystatic/environments/freeze"]
)
def test_no_environment_is_made_behind_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    root = tmp_path / "project"
    (root / name).parent.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (root / name).symlink_to(tmp_path / "outside")
    assert run(call(root)) == 1
    assert capsys.readouterr().err == (
        f"{root}/{name} is a link, and a build would write to its target.\n"
        "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track.\n"
    )
    assert list((tmp_path / "outside").iterdir()) == []
