from __future__ import annotations

import os
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from changed_images import entry, link, write_changed
from support import FROZEN, nest, small_disk, tool_or_skip

from pystatic_tasks.config.model import ImageConfig, ImageOptions, ServerKind
from pystatic_tasks.engines.base import Artifact, Container, Policy, port_here
from pystatic_tasks.engines.sandbox import Sandbox, environment, exit_code, extract, here
from pystatic_tasks.errors import ImageError, file_error
from pystatic_tasks.in_env.client import free_port
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.compression import gzip
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.steps.image.rootfs import root_entries

SERVES = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done"
POLICY = Policy(user="23456:34567", writable_tmp=True, memory_bytes=100_000_000)
NOTHING_WRITABLE = Policy(user="23456:34567", writable_tmp=False, memory_bytes=100_000_000)


def write_image(path: Path, *layers: list[Entry]) -> None:
    runtime = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/busybox"], env=[], ports=[], labels={})
    made = make_image([make_layer("program", entries, 0, {"gzip": gzip}) for entries in layers], runtime, 0, "gzip")
    path.write_bytes(write_archive(made, ["busybox:latest"]))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An image with one static program, which is a shell with its tools."""
    busybox = Path(tool_or_skip("busybox"))
    if "=>" in subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False, timeout=20).stdout:
        pytest.skip("this busybox needs libraries; install busybox-static")
    root = tmp_path_factory.mktemp("image")
    image = ImageConfig(root=root, project=root, name="busybox", script="x.py")
    image.dist.mkdir(parents=True)
    (image.dist / "busybox").symlink_to(busybox)
    write_image(root / "image.tar", *root_entries(image, FROZEN).values())
    return Artifact(
        archive=root / "image.tar", image_id="", references=(), entrypoint="/busybox", env={"OWN": "a  b$ü"}, port=None
    )


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


def run(sandbox: Sandbox, artifact: Artifact, script: str, policy: Policy = POLICY) -> tuple[int | None, str]:
    """Exit code and output of a shell script in the sandbox."""
    container = sandbox.start(artifact, policy, ["sh", "-c", script])
    try:
        return container.wait(10), container.output().strip()
    finally:
        container.remove()


def wait_until_ready(container: Container) -> None:
    end = time.monotonic() + 10
    while "ready" not in container.output():
        assert time.monotonic() < end
        time.sleep(0.01)


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
    assert Sandbox(as_root=as_root).problem() == f'there is no program "{missing}" on the PATH'
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


def test_layers_are_unpacked_from_the_lowest(tmp_path: Path) -> None:
    write_image(
        tmp_path / "image.tar",
        [Entry(path="/a", mode=0o644, content=b"below"), Entry(path="/größe 1", mode=0o755, content=b"1")],
        [Entry(path="/a", mode=0o644, content=b"above"), Entry(path="/tmp", mode=0o1777)],
    )
    extract(tmp_path / "image.tar", tmp_path / "root")
    assert (tmp_path / "root" / "a").read_bytes() == b"above"
    assert (tmp_path / "root" / "größe 1").read_bytes() == b"1"
    assert f"{(tmp_path / 'root' / 'größe 1').stat().st_mode:o}" == "100755"
    assert f"{(tmp_path / 'root' / 'tmp').stat().st_mode:o}" == "41777"


def test_links_are_unpacked_as_links(tmp_path: Path) -> None:
    below = Entry(path="/lib/x.so.1", mode=0o755, content=b"library")
    write_image(tmp_path / "image.tar", [below], [Entry(path="/lib/x.so", mode=0o777, link="x.so.1")])
    extract(tmp_path / "image.tar", tmp_path / "root")
    assert (tmp_path / "root/lib/x.so").readlink() == Path("x.so.1")
    assert (tmp_path / "root/lib/x.so").read_bytes() == b"library"


def test_the_mount_points_that_engines_add_are_there(tmp_path: Path) -> None:
    write_image(tmp_path / "image.tar", [])
    umask = os.umask(0o077)
    try:
        extract(tmp_path / "image.tar", tmp_path / "root")
    finally:
        os.umask(umask)
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["dev", "etc", "proc", "tmp"]
    assert (tmp_path / "root/etc/hosts").read_bytes() == Path("/etc/hosts").read_bytes()
    assert f"{(tmp_path / 'root').stat().st_mode:o}" == "40755"


def refused(folder: Path, *entries: tarfile.TarInfo, volumes: Sequence[str] = ()) -> str:
    """Why an image was not unpacked; nothing beside its root may have been written."""
    archive = write_changed(folder / "image.tar", entries)
    before = sorted(folder.iterdir())
    with pytest.raises(ImageError) as caught:
        extract(archive, folder / "root", volumes=volumes)
    assert [path for path in sorted(folder.iterdir()) if path.name != "root"] == before
    assert caught.value.remedy == "Build the image again."
    return caught.value.problem.removeprefix(f"{archive} holds ")


def test_links_of_an_image_lead_nowhere_out_of_it(tmp_path: Path) -> None:
    links = [link("a/up", ".."), link("etc", "a/up/..")]
    assert refused(tmp_path, *links) == "'etc', which is a link out of the root, through other links."


@pytest.mark.parametrize("point", ["dev", "proc", "tmp", "etc", "data"])
def test_nothing_is_mounted_or_written_behind_a_link_of_the_image(tmp_path: Path, point: str) -> None:
    other = entry("other", tarfile.DIRTYPE)
    assert refused(tmp_path, other, link(point, "other"), volumes=["/data/x"] if point == "data" else []) == (
        f"something at '{'data/x' if point == 'data' else point}', where a folder must be to run it."
    )


def test_a_file_of_the_network_is_written_in_place_of_a_link(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("mine"), link("etc/hosts", "../mine")])
    extract(archive, tmp_path / "root")
    assert (tmp_path / "root/mine").read_bytes() == b""
    assert not (tmp_path / "root/etc/hosts").is_symlink()


def test_a_file_above_a_link_takes_its_place(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("mine"), link("l", "mine")], [(entry("l"), b"above")])
    extract(archive, tmp_path / "root")
    assert [(tmp_path / "root" / name).read_bytes() for name in ("mine", "l")] == [b"", b"above"]


def test_an_unpacked_file_gives_no_rights_away(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("ping", mode=0o6755), entry("d", tarfile.DIRTYPE, mode=0)])
    extract(archive, tmp_path / "root")
    modes = [(tmp_path / "root" / name).stat().st_mode for name in ("ping", "d")]
    assert [f"{mode:o}" for mode in modes] == ["100755", "40700"]


def test_only_the_image_that_was_built_is_run(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("a")])
    built = f"sha256:{'1' * 64}"
    with pytest.raises(ImageError) as caught:
        extract(archive, tmp_path / "root", built)
    assert f"{built} was built." in caught.value.problem
    assert list((tmp_path / "root").iterdir()) == []


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [(entry("large"), bytes(2**20))])
    with small_disk(tmp_path / "disk", "256k"), pytest.raises(OSError) as caught:  # noqa: PT011
        extract(archive, tmp_path / "disk/root")
    assert str(file_error(caught.value)) == (
        f"{tmp_path}/disk/root/large could not be read or written: No space left on device.\n"
        "Free some space and run it again; nothing half-written was left."
    )


def with_variables(env: Mapping[str, str], server: ServerKind = "gunicorn") -> Artifact:
    return Artifact(archive=Path(), image_id="", references=(), entrypoint="/shop", env=env, port=8000, server=server)


def test_the_environment_is_what_engines_set() -> None:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert environment(with_variables({}), None, {}) == {"PATH": path, "HOME": "/"}


def test_the_image_may_set_the_environment_anew() -> None:
    assert environment(with_variables({"PATH": "/bin", "A": "1"}), None, {}) == {"PATH": "/bin", "HOME": "/", "A": "1"}


def test_the_service_is_told_where_to_listen() -> None:
    assert environment(with_variables({}), 1234, {})["GUNICORN_CMD_ARGS"] == "--bind 127.0.0.1:1234"
    own = {"GUNICORN_CMD_ARGS": "--workers 2"}
    assert environment(with_variables(own), 1234, {})["GUNICORN_CMD_ARGS"] == "--workers 2 --bind 127.0.0.1:1234"


def test_each_server_is_told_in_its_own_way() -> None:
    variables = environment(with_variables({"UVICORN_PORT": "80"}, "uvicorn"), 1234, {})
    assert (variables["UVICORN_HOST"], variables["UVICORN_PORT"]) == ("127.0.0.1", "1234")
    assert "GUNICORN_CMD_ARGS" not in variables


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


@pytest.mark.parametrize(("returncode", "code"), [(0, 0), (3, 3), (-signal.SIGKILL, 137), (-signal.SIGTERM, 143)])
def test_exit_codes_are_those_that_engines_report(returncode: int, code: int) -> None:
    assert exit_code(returncode) == code


def test_variables_of_one_run_go_before_the_images() -> None:
    variables = environment(with_variables({"A": "image", "B": "image"}), None, {"A": "run"})
    assert (variables["A"], variables["B"]) == ("run", "image")


def test_a_program_that_listens_at_one_port_only_is_asked_there(artifact: Artifact) -> None:
    fixed = replace(artifact, port=free_port(), takes_port=False)
    assert port_here(fixed, "sandbox") == fixed.port
    assert "GUNICORN_CMD_ARGS" not in environment(fixed, fixed.port, {})
    assert fixed.port is not None
    with socket.create_server(("127.0.0.1", fixed.port)), pytest.raises(ImageError) as caught:
        port_here(fixed, "sandbox")
    assert str(caught.value) == (
        f"Port {fixed.port} is in use, and sandbox runs the image in the network of this machine.\n"
        "Stop what listens there; without services, all engines but the sandbox have ports of their own."
    )


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
