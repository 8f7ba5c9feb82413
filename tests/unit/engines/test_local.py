from __future__ import annotations

import os
import signal
import socket
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from boxes import write_image
from changed_images import entry, link, write_changed
from support import small_disk

from pystatic_tasks.config.model import ServerKind
from pystatic_tasks.engines.base import Artifact, Policy, address_here
from pystatic_tasks.engines.local import LocalContainer, environment, exit_code, extract
from pystatic_tasks.errors import ImageError, file_error
from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.oci.archive import Written
from pystatic_tasks.oci.layers import Entry


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
        f"something other than a folder at '{'data/x' if point == 'data' else point}', "
        "where the image needs a folder to run."
    )


def test_a_file_of_the_network_is_written_in_place_of_a_link(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("mine"), link("etc/hosts", "../mine")])
    extract(archive, tmp_path / "root")
    assert (tmp_path / "root/mine").read_bytes() == b""
    assert not (tmp_path / "root/etc/hosts").is_symlink()


@pytest.mark.parametrize("inside", [entry("etc/hosts", tarfile.DIRTYPE), entry("etc/hosts/x")])
def test_a_file_of_the_network_is_not_written_in_place_of_a_folder(tmp_path: Path, inside: tarfile.TarInfo) -> None:
    assert refused(tmp_path, inside) == "a folder at 'etc/hosts', where the image needs a file to run."


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
    built = Written(digest=f"sha256:{'1' * 64}", image_id=f"sha256:{'2' * 64}", references=["shop:latest"])
    with pytest.raises(ImageError) as caught:
        extract(archive, tmp_path / "root", built)
    assert f"{built.image_id} was built." in caught.value.problem
    assert list((tmp_path / "root").iterdir()) == []


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [(entry("large"), bytes(2**20))])
    with small_disk(tmp_path / "disk", "256k"), pytest.raises(OSError) as caught:  # noqa: PT011
        extract(archive, tmp_path / "disk/root")
    assert str(file_error(caught.value)) == (
        f"{tmp_path}/disk/root/large cannot be read or written: No space left on device.\n"
        "Free some space and try again; no half-written file was left behind."
    )


def with_variables(env: Mapping[str, str], server: ServerKind = "gunicorn") -> Artifact:
    return Artifact(archive=Path(), image_id="", references=(), entrypoint="/shop", env=env, port=8000, server=server)


def test_the_environment_is_what_engines_set() -> None:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert environment(with_variables({}), None, {}) == {"PATH": path, "HOME": "/"}


def test_the_image_may_set_the_environment_anew() -> None:
    assert environment(with_variables({"PATH": "/bin", "A": "1"}), None, {}) == {"PATH": "/bin", "HOME": "/", "A": "1"}


LISTENS = ("127.0.0.1", 1234)


def test_the_service_is_told_where_to_listen() -> None:
    assert environment(with_variables({}), LISTENS, {})["GUNICORN_CMD_ARGS"] == "--bind 127.0.0.1:1234"
    own = {"GUNICORN_CMD_ARGS": "--workers 2"}
    assert environment(with_variables(own), LISTENS, {})["GUNICORN_CMD_ARGS"] == "--workers 2 --bind 127.0.0.1:1234"


def test_each_server_is_told_in_its_own_way() -> None:
    variables = environment(with_variables({"UVICORN_PORT": "80"}, "uvicorn"), LISTENS, {})
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


NO_POLICY = Policy(user="1:1", writable_tmp=False, memory_bytes=0)


def test_a_program_that_listens_at_one_port_only_is_asked_there() -> None:
    fixed = replace(with_variables({}), port=free_port(), takes_port=False)
    assert fixed.port is not None
    where = ("127.0.0.1", fixed.port)
    assert address_here(fixed, NO_POLICY, "sandbox") == where
    assert address_here(fixed, replace(NO_POLICY, publish=where), "sandbox") == where
    assert "GUNICORN_CMD_ARGS" not in environment(fixed, where, {})
    with socket.create_server(where), pytest.raises(ImageError) as caught:
        address_here(fixed, NO_POLICY, "sandbox")
    assert str(caught.value) == (
        f"Port {fixed.port} is in use, and sandbox runs the image in this machine's network.\n"
        "Stop the program that listens there; "
        "without services, all engines except the sandbox and PRoot have their own ports."
    )


def test_a_program_that_listens_at_one_port_only_is_published_there_only() -> None:
    fixed = replace(with_variables({}), port=8000, takes_port=False)
    with pytest.raises(ImageError) as caught:
        address_here(fixed, replace(NO_POLICY, publish=("127.0.0.1", 9000)), "sandbox")
    assert str(caught.value) == (
        "The program listens at port 8000, and sandbox runs it in this machine's network, "
        "where it cannot be published at port 9000.\n"
        "Publish it at its own port; without services, all engines except the sandbox and PRoot have their own ports."
    )


def test_a_server_is_told_to_listen_where_it_is_published() -> None:
    served = replace(with_variables({}), port=8000)
    where = address_here(served, replace(NO_POLICY, publish=("0.0.0.0", 9000)), "sandbox")
    assert environment(served, where, {})["GUNICORN_CMD_ARGS"] == "--bind 0.0.0.0:9000"


def test_what_a_program_writes_is_for_whoever_runs_it(tmp_path: Path) -> None:
    said = replace(with_variables({}), entrypoint="/bin/echo")
    container = LocalContainer.start("sandbox", tmp_path, [], said, NO_POLICY, ["a secret"])
    assert container.wait(10) == 0
    assert container.output() == "a secret\n"
    assert f"{(tmp_path / 'output').stat().st_mode:o}" == "100600"
