from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from boxes import NOTHING_WRITABLE, POLICY, SERVES, make_box, run, wait_until_ready, write_image
from support import NOBODY, tool_or_skip

from pystatic_tasks.engines import Engine
from pystatic_tasks.engines.base import Artifact
from pystatic_tasks.engines.proot import PRoot, here
from pystatic_tasks.engines.trial import why_not
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.system.beneath import remove_tree

DENIED = "Permission denied"


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return make_box(tmp_path_factory.mktemp("image"))


@pytest.fixture
def proot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """PRoot of this user, with its folders where the user of the program can reach them; nothing may be left there."""
    tool_or_skip("proot")
    found = here()
    problem = why_not(found)
    if problem:
        pytest.skip(f"no PRoot: {problem}")
    folder = Path(tempfile.mkdtemp(prefix="pystatic-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield found
    assert list(folder.iterdir()) == []
    folder.rmdir()


def test_it_gives_its_version(proot: Engine) -> None:
    assert proot.version().startswith("PRoot 5.")


def test_the_program_is_neither_root_nor_has_it_groups(proot: Engine, artifact: Artifact) -> None:
    assert run(proot, artifact, "id -u; id -G") == (0, "23456\n34567")


def test_the_program_has_no_capabilities_and_cannot_get_any(proot: Engine, artifact: Artifact) -> None:
    code, output = run(proot, artifact, "grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status")
    assert code == 0
    assert output.split() == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1"]


def test_the_root_is_read_only(proot: Engine, artifact: Artifact) -> None:
    script = "touch /x || echo x >> /etc/passwd || touch /tmp/x || mkdir /dev/x"
    code, output = run(proot, artifact, script, NOTHING_WRITABLE)
    assert code == 1
    assert output.splitlines() == [
        f"touch: /x: {DENIED}",
        f"sh: can't create /etc/passwd: {DENIED}",
        f"touch: /tmp/x: {DENIED}",
        f"mkdir: can't create directory '/dev/x': {DENIED}",
    ]


def test_tmp_may_hold_executables(proot: Engine, artifact: Artifact) -> None:
    assert run(proot, artifact, "cp /busybox /tmp/busybox && /tmp/busybox true") == (0, "")


def test_shared_memory_and_devices_are_writable(proot: Engine, artifact: Artifact) -> None:
    script = "echo x > /dev/shm/x && echo x > /dev/null && head -c 2 /dev/urandom | wc -c"
    assert run(proot, artifact, script, NOTHING_WRITABLE) == (0, "2")
    # Each program has its own.
    assert run(proot, artifact, "ls /dev/shm", NOTHING_WRITABLE) == (0, "")


def test_volumes_are_writable_and_hold_what_the_image_has(proot: Engine, tmp_path: Path) -> None:
    write_image(
        tmp_path / "image.tar",
        [
            Entry(path="/busybox", mode=0o755, content=Path(tool_or_skip("busybox"))),
            Entry(path="/data", mode=0o1777),
            Entry(path="/data/seed", mode=0o644, content=b"seed\n"),
        ],
    )
    artifact = Artifact(
        archive=tmp_path / "image.tar",
        image_id="",
        references=(),
        entrypoint="/busybox",
        env={},
        port=None,
        volumes=["/data"],
    )
    for _ in range(2):
        assert run(proot, artifact, "cat /data/seed && touch /data/x && ls /data", NOTHING_WRITABLE) == (
            0,
            "seed\nseed\nx",
        )


def test_the_environment_is_the_images_own(proot: Engine, artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the machine")
    code, output = run(proot, artifact, "env; pwd")
    assert code == 0
    assert "OWN=a  b$ü" in output.splitlines()
    assert "SECRET" not in output
    assert output.splitlines()[-1] == "/"


def test_a_service_is_told_where_to_listen(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(replace(artifact, port=8000), POLICY, ["sh", "-c", "echo $GUNICORN_CMD_ARGS"])
    try:
        host, port = container.address()
        assert container.wait(10) == 0
        assert (host, container.output()) == ("127.0.0.1", f"--bind 127.0.0.1:{port}\n")
    finally:
        container.remove()


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_as_engines_report_it(proot: Engine, artifact: Artifact, script: str, code: int) -> None:
    assert run(proot, artifact, f"echo out; echo err >&2; {script}") == (code, "out\nerr")


def test_term_ends_a_program_that_listens(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(artifact, POLICY, ["sh", "-c", SERVES])
    try:
        wait_until_ready(container)
        assert container.users() == {"23456" if os.geteuid() == 0 else str(os.geteuid())}
        end = container.stop(5)
        assert (end.code, container.output()) == (0, "ready\n")
        assert end.seconds < 5
        assert not container.running()
    finally:
        container.remove()


def test_a_program_that_does_not_listen_is_killed(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(artifact, POLICY, ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done"])
    try:
        wait_until_ready(container)
        end = container.stop(0.2)
        assert end.code == 137
        assert 0.2 <= end.seconds < 5
    finally:
        container.remove()


def test_the_program_can_be_run_once_more_beside_itself(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(artifact, POLICY, ["sh", "-c", "touch /tmp/x; echo ready; exec sleep 60"])
    try:
        wait_until_ready(container)
        assert container.execute(["test", "-f", "/tmp/x"]) == 0
        assert container.execute(["sh", "-c", "exit 4"]) == 4
        assert container.running()
    finally:
        container.remove()


def test_what_is_left_in_tmp_is_seen(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(artifact, POLICY, ["sh", "-c", "mkdir /tmp/_MEI1 && touch /tmp/_MEI1/libc.so /tmp/a"])
    try:
        assert container.wait(10) == 0
        assert container.leftovers() == ["_MEI1", "_MEI1/libc.so", "a"]
    finally:
        container.remove()


def test_a_program_that_is_not_in_the_image_is_told(proot: Engine, artifact: Artifact) -> None:
    container = proot.start(replace(artifact, entrypoint="/nowhere"), POLICY, [])
    try:
        assert container.wait(10) != 0
        assert "'/nowhere' not found" in container.output()
    finally:
        container.remove()


DAEMON = "(setsid sh -c 'while :; do sleep 0.1; done' &); echo ready; exec sleep 60"


def processes(name: str) -> list[str]:
    """The processes in whose command that stands."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return [command for command in commands if name in command]


def test_all_that_it_started_ends_with_it(proot: Engine, artifact: Artifact) -> None:
    mark = f"mark-of-{os.getpid()}"
    container = proot.start(artifact, POLICY, ["sh", "-c", DAEMON.replace("do", f"do : {mark};")])
    wait_until_ready(container)
    assert processes(mark)
    container.remove()
    assert processes(mark) == []


KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
from boxes import POLICY, wait_until_ready
from pystatic_tasks.engines.base import Artifact
from pystatic_tasks.engines.proot import here

artifact = Artifact(archive=Path(sys.argv[1]), image_id="", references=(), entrypoint="/busybox", env={}, port=None)
wait_until_ready(here().start(artifact, POLICY, ["sh", "-c", sys.argv[2]]))
os.kill(os.getpid(), 9)
"""


def test_nothing_runs_on_or_stays_when_its_caller_is_killed(proot: Engine, artifact: Artifact) -> None:
    mark = f"mark-of-{os.getpid()}"
    script = DAEMON.replace("do", f"do : {mark};")
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": tempfile.gettempdir()}
    command = [sys.executable, "-c", KILLED, str(artifact.archive), script]
    assert subprocess.run(command, env=variables, check=False).returncode == -9
    end = time.monotonic() + 5
    while processes(mark):
        assert time.monotonic() < end
        time.sleep(0.02)
    [left] = Path(tempfile.gettempdir()).iterdir()
    assert left.name.startswith("pystatic-proot-")
    # It is removed by the next.
    assert run(proot, artifact, "true") == (0, "")


ORDINARY_USER = """
import json, os, sys
from pathlib import Path
from boxes import NOTHING_WRITABLE, POLICY, run
from pystatic_tasks.engines.base import Artifact
from pystatic_tasks.engines.proot import here

artifact = Artifact(archive=Path(sys.argv[1]), image_id="", references=(), entrypoint="/busybox", env={}, port=None)
locking = here().start(artifact, POLICY, ["sh", "-c", "mkdir -p /tmp/locked/inner; chmod 0 /tmp/locked"])
locked = [locking.wait(10), locking.leftovers(), locking.remove()]
print(json.dumps([run(here(), artifact, "id -u; touch /x; touch /etc/x; touch /tmp/x", NOTHING_WRITABLE), locked,
                  os.listdir(os.environ["TMPDIR"]), here().unchecked[-2:]]))
"""


def test_what_it_removes_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir(mode=0o755)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/root").symlink_to("../outside")
    remove_tree(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert f"{(tmp_path / 'outside').stat().st_mode:o}" == "40755"


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_pretends_to_be_the_other(proot: Engine, artifact: Artifact) -> None:
    folder = Path(tempfile.gettempdir()) / "of-user"
    (folder / "temporary").mkdir(parents=True)
    shutil.copy2(artifact.archive, folder)
    os.chown(folder / "temporary", NOBODY, NOBODY)
    # Others cannot reach root's interpreter and modules, so it is left before anything is started.
    become = f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    before = "\n".join(line for line in ORDINARY_USER.splitlines() if line.startswith(("import", "from")))
    result = subprocess.run(
        [sys.executable, "-c", f"{before}\n{become}{ORDINARY_USER}", str(folder / "image.tar")],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(folder / "temporary"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(folder)
    assert result.returncode == 0, result.stderr
    denied = "".join(f"\ntouch: {path}: {DENIED}" for path in ("/x", "/etc/x", "/tmp/x"))
    assert json.loads(result.stdout) == [
        [1, f"23456{denied}"],
        [0, ["locked"], None],
        [],
        list(PRoot(as_root=False).unchecked[-2:]),
    ]


@pytest.mark.parametrize(("there", "missing"), [([], "proot"), (["proot"], "setpriv")])
def test_a_tool_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], missing: str
) -> None:
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert here().problem() == f'the program "{missing}" is not on the PATH'
    assert here().version() == ""


@pytest.mark.parametrize("as_root", [True, False])
def test_it_says_what_it_does_not_check(as_root: bool) -> None:
    common = [
        "the memory limit",
        "that it works as process 1",
        "that it sees no processes but its own",
        "that it executes nothing in /dev/shm",
    ]
    more = ["that another user may read the files", "that it makes no file of the root writable"]
    assert list(PRoot(as_root=as_root).unchecked) == (common if as_root else [*common, *more])


def test_at_a_terminal_it_has_our_output_and_nothing_stays(
    proot: Engine, artifact: Artifact, capfd: pytest.CaptureFixture[str]
) -> None:
    script = 'echo "größe $OWN"; id -u; exit 3'
    assert proot.run_at_terminal(artifact, POLICY, ["sh", "-c", script]) == 3
    assert capfd.readouterr().out == "größe a  b$ü\n23456\n"


@pytest.mark.parametrize(
    ("inside", "wrong"),
    [
        (
            Entry(path="/dev/shm", mode=0o644, content=b""),
            "something other than a folder at 'dev/shm', where the image needs a folder to run.",
        ),
        (
            Entry(path="/dev/null/x", mode=0o644, content=b""),
            "a folder at 'dev/null', where the image needs a file to run.",
        ),
    ],
)
def test_what_stands_in_the_place_of_a_device_is_named(
    proot: Engine, tmp_path: Path, inside: Entry, wrong: str
) -> None:
    write_image(tmp_path / "image.tar", [inside])
    artifact = replace(make_box(tmp_path / "other"), archive=tmp_path / "image.tar", written=None)
    with pytest.raises(ImageError) as caught:
        run(proot, artifact, "true")
    assert str(caught.value) == f"{artifact.archive} holds {wrong}\nBuild the image again."
