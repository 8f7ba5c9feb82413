from __future__ import annotations

import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from boxes import NOTHING_WRITABLE, POLICY, SERVES, make_box, run, wait_until_ready, write_image
from support import FROZEN, nest, tool_or_skip

from pystatic_tasks.config.model import ImageConfig, ImageOptions
from pystatic_tasks.engines.base import Artifact
from pystatic_tasks.engines.local import LocalContainer
from pystatic_tasks.engines.sandbox import Sandbox, here
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.steps.image.rootfs import root_entries


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return make_box(tmp_path_factory.mktemp("image"))


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox of this user, with its folders in the test's own; nothing may be left there."""
    found = here()
    assert isinstance(found, Sandbox)
    problem = found.problem()
    if problem:
        pytest.skip(f"no sandbox: {problem}")
    folder = tmp_path / "sandboxes"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield found
    assert list(folder.iterdir()) == []


def test_what_it_writes_is_shown_as_it_comes(sandbox: Sandbox, artifact: Artifact) -> None:
    script = 'trap "echo bye; exit" TERM; echo ready; echo errors >&2; while :; do /busybox sleep 0.05; done'
    container = sandbox.start(artifact, POLICY, ["sh", "-c", script])
    shown = io.BytesIO()
    try:
        following = threading.Thread(target=container.follow, args=(shown, io.BytesIO()))
        following.start()
        end = time.monotonic() + 10
        while shown.getvalue() != b"ready\nerrors\n":
            assert time.monotonic() < end
            time.sleep(0.01)
        assert following.is_alive()
        container.stop(10)
        following.join(10)
    finally:
        container.remove()
    assert shown.getvalue() == b"ready\nerrors\nbye\n"


def test_ctrl_c_does_not_reach_it(sandbox: Sandbox, artifact: Artifact) -> None:
    """It goes to all processes of the group that is in the foreground."""
    container = sandbox.start(artifact, POLICY, ["sleep", "10"])
    try:
        assert isinstance(container, LocalContainer)
        assert os.getpgid(container.process.pid) != os.getpgid(0)
    finally:
        container.remove()


def test_it_gives_the_version_of_its_tool(sandbox: Sandbox) -> None:
    assert sandbox.version().startswith("unshare from util-linux" if sandbox.as_root else "bubblewrap")


def test_the_program_is_neither_root_nor_has_it_groups(sandbox: Sandbox, artifact: Artifact) -> None:
    assert run(sandbox, artifact, "id -u; id -G") == (0, "23456\n34567")


def test_the_program_has_no_capabilities_and_cannot_get_any(sandbox: Sandbox, artifact: Artifact) -> None:
    code, output = run(sandbox, artifact, "grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status")
    assert code == 0
    assert output.split() == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1"]


def test_the_root_is_read_only(sandbox: Sandbox, artifact: Artifact) -> None:
    code, output = run(sandbox, artifact, "touch /x || touch /etc/x")
    assert (code, output) == (1, "touch: /x: Read-only file system\ntouch: /etc/x: Read-only file system")


def test_tmp_is_read_only_unless_the_layout_needs_it(sandbox: Sandbox, artifact: Artifact) -> None:
    assert run(sandbox, artifact, "touch /tmp/x", NOTHING_WRITABLE) == (1, "touch: /tmp/x: Read-only file system")


def test_tmp_may_hold_executables(sandbox: Sandbox, artifact: Artifact) -> None:
    assert run(sandbox, artifact, "cp /busybox /tmp/busybox && /tmp/busybox true") == (0, "")


def test_shared_memory_is_writable(sandbox: Sandbox, artifact: Artifact) -> None:
    assert run(sandbox, artifact, "echo x > /dev/shm/x && echo x > /dev/null", NOTHING_WRITABLE) == (0, "")


def test_volumes_are_writable_and_hold_what_the_image_has(sandbox: Sandbox, tmp_path: Path, artifact: Artifact) -> None:
    volumes = ("/var/lib/a b", "/data")
    image = ImageConfig(
        root=tmp_path, project=tmp_path, name="busybox", script="x.py", image=ImageOptions(volumes=volumes)
    )
    image.dist.mkdir(parents=True)
    (image.dist / "busybox").symlink_to(tool_or_skip("busybox"))
    layers = root_entries(image, FROZEN).values()
    write_image(tmp_path / "image.tar", *layers, [Entry(path="/data/seed", mode=0o644, content=b"seed\n")])
    artifact = replace(artifact, archive=tmp_path / "image.tar", volumes=volumes)
    script = "cat /data/seed && touch /data/x '/var/lib/a b/x' && ls /data && touch /var/lib/x"
    for _ in range(2):
        assert run(sandbox, artifact, script, NOTHING_WRITABLE) == (
            1,
            "seed\nseed\nx\ntouch: /var/lib/x: Read-only file system",
        )


def test_a_volume_is_the_same_for_what_runs_beside(sandbox: Sandbox, tmp_path: Path, artifact: Artifact) -> None:
    volume = Entry(path="/data", mode=0o1777)
    busybox = Entry(path="/busybox", mode=0o755, content=Path(tool_or_skip("busybox")))
    write_image(tmp_path / "image.tar", [busybox, volume])
    artifact = replace(artifact, archive=tmp_path / "image.tar", volumes=["/data"])
    container = sandbox.start(artifact, NOTHING_WRITABLE, ["sh", "-c", "touch /data/x; echo ready; exec sleep 60"])
    try:
        wait_until_ready(container)
        assert container.execute(["test", "-f", "/data/x"]) == 0
    finally:
        container.remove()


def test_the_program_sees_no_other_processes(sandbox: Sandbox, artifact: Artifact) -> None:
    code, output = run(sandbox, artifact, f"test -e /proc/{os.getpid()} || echo $$")
    assert (code, output) == (0, "1")


def test_the_environment_is_the_images_own(
    sandbox: Sandbox, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the machine")
    code, output = run(sandbox, artifact, "env; pwd")
    assert code == 0
    assert "OWN=a  b$ü" in output.splitlines()
    assert "SECRET" not in output
    assert output.splitlines()[-1] == "/"


def test_the_exit_code_is_the_programs(sandbox: Sandbox, artifact: Artifact) -> None:
    assert run(sandbox, artifact, "echo out; echo err >&2; exit 3") == (3, "out\nerr")


def test_waiting_ends_when_the_time_is_over(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sleep", "60"])
    try:
        assert container.wait(0.05) is None
        assert container.running()
    finally:
        container.remove()
    assert not container.running()


def test_term_ends_a_program_that_listens(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sh", "-c", SERVES])
    try:
        wait_until_ready(container)
        end = container.stop(5)
        assert end.code == 0
        assert end.seconds < 5
        assert not container.running()
    finally:
        container.remove()


def test_the_users_are_those_of_all_its_processes(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sh", "-c", SERVES])
    try:
        wait_until_ready(container)
        # Seen from outside, a user namespace's user is the one who made it.
        assert container.users() == {"23456" if sandbox.as_root else str(os.geteuid())}
    finally:
        container.remove()
    assert container.users() == set()


def test_a_program_that_does_not_listen_is_killed(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sh", "-c", "echo ready; exec sleep 60"])
    try:
        wait_until_ready(container)
        end = container.stop(0.2)
        assert end.code == 137
        assert 0.2 <= end.seconds < 5
    finally:
        container.remove()


def test_the_output_is_the_programs_alone(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sh", "-c", "echo ready; exec sleep 60"])
    try:
        wait_until_ready(container)
        container.stop(0.01)
        assert container.output() == "ready\n"
    finally:
        container.remove()


def test_the_program_can_be_run_once_more_beside_itself(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sleep", "60"])
    try:
        assert container.execute(["sh", "-c", "exit 4"]) == 4
        assert container.execute(["true"]) == 0
        assert container.running()
    finally:
        container.remove()


def test_what_is_left_in_tmp_is_seen(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["sh", "-c", "mkdir /tmp/_MEI1 && touch /tmp/_MEI1/libc.so /tmp/a"])
    try:
        assert container.wait(10) == 0
        assert container.leftovers() == ["_MEI1", "_MEI1/libc.so", "a"]
    finally:
        container.remove()


def test_a_program_that_is_not_in_the_image_is_told(sandbox: Sandbox, artifact: Artifact) -> None:
    other = Artifact(archive=artifact.archive, image_id="", references=(), entrypoint="/nowhere", env={}, port=None)
    container = sandbox.start(other, POLICY, [])
    try:
        assert container.wait(10) != 0
        assert "/nowhere" in container.output()
    finally:
        container.remove()


def test_nothing_stays_of_an_archive_that_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    artifact = Artifact(
        archive=tmp_path / "nowhere.tar", image_id="", references=(), entrypoint="/x", env={}, port=None
    )
    with pytest.raises(FileNotFoundError):
        sandbox.start(artifact, POLICY, [])


def test_a_service_is_reached_at_a_free_port_of_this_machine(sandbox: Sandbox, artifact: Artifact) -> None:
    service = Artifact(archive=artifact.archive, image_id="", references=(), entrypoint="/busybox", env={}, port=8000)
    container = sandbox.start(service, POLICY, ["sh", "-c", "echo $GUNICORN_CMD_ARGS"])
    try:
        host, port = container.address()
        assert container.wait(10) == 0
        assert container.output() == f"--bind 127.0.0.1:{port}\n"
        assert host == "127.0.0.1"
    finally:
        container.remove()


def test_a_program_may_have_a_path_that_leads_to_none_of_our_tools(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, replace(POLICY, env={"PATH": "/own"}), ["sh", "-c", 'echo "$PATH"'])
    try:
        assert (container.wait(10), container.output()) == (0, "/own\n")
        assert container.execute(["true"]) == 0
    finally:
        container.remove()


def test_a_program_may_have_variables_that_are_called_as_those_of_a_script(
    sandbox: Sandbox, artifact: Artifact
) -> None:
    names = ("root", "tmp", "user", "volumes", "device")
    container = sandbox.start(artifact, replace(POLICY, env=dict.fromkeys(names, "x")), ["env"])
    try:
        assert container.wait(10) == 0
        assert {f"{name}=x" for name in names} <= set(container.output().splitlines())
    finally:
        container.remove()


@pytest.mark.parametrize("as_root", [True, False])
def test_it_says_what_it_does_not_check(as_root: bool) -> None:
    memory, *more = Sandbox(as_root=as_root).unchecked
    assert memory == "the memory limit"
    assert more == ([] if as_root else ["that another user may read the files"])


@pytest.mark.parametrize(
    ("as_root", "there", "missing"),
    [(True, [], "unshare"), (True, ["unshare"], "setpriv"), (False, [], "bwrap")],
)
def test_a_tool_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_root: bool, there: list[str], missing: str
) -> None:
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Sandbox(as_root=as_root).problem() == f'the program "{missing}" is not on the PATH'
    assert Sandbox(as_root=as_root).version() == ""


@pytest.mark.parametrize(
    ("said", "problem"),
    [("echo 'bwrap: No permissions' >&2", "bwrap: No permissions"), ("", "namespaces are not allowed here")],
)
def test_a_kernel_that_allows_no_namespaces_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, problem: str
) -> None:
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{said}\nexit 1\n", encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Sandbox(as_root=False).problem() == problem


def test_a_program_gets_the_variables_of_its_run(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, replace(POLICY, env={"KEY": "a b$ü"}), ["sh", "-c", 'echo "$KEY"'])
    try:
        assert container.wait(10) == 0
        assert container.output() == "a b$ü\n"
    finally:
        container.remove()


def test_nothing_stays_of_folders_in_folders_without_end(sandbox: Sandbox, artifact: Artifact) -> None:
    container = sandbox.start(artifact, POLICY, ["true"])
    try:
        assert container.wait(10) == 0
        [folder] = Path(tempfile.gettempdir()).iterdir()
        nest(folder / "tmp", 1100)
        assert container.leftovers() == ["/".join("d" * levels) for levels in range(1, 9)]
    finally:
        container.remove()


def test_at_a_terminal_it_has_our_output_and_nothing_stays(
    sandbox: Sandbox, artifact: Artifact, capfd: pytest.CaptureFixture[str]
) -> None:
    script = 'echo "größe $OWN"; id -u; exit 3'
    assert sandbox.run_at_terminal(artifact, POLICY, ["sh", "-c", script]) == 3
    assert capfd.readouterr().out == "größe a  b$ü\n23456\n"
