from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support import BECOMING_NOBODY, as_nobody, nest, run_as_nobody

from pystatic_tasks.errors import FreezeError
from pystatic_tasks.fronts.container.outcome import check, remove
from pystatic_tasks.system.beneath import temporary_folder

REMEDY = "Nothing of it was used; find what creates this file: a build backend, a hook or the target itself."


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What a container left, with a tree of a program, and a file beside it that is nobody's business."""
    folder = tmp_path / "container"
    for name in ("logs/freeze.log", "system/etc/services", "freeze.json", "program/lib/libz.so.1.3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "program/lib/libz.so").symlink_to("libz.so.1.3")
    (folder / "program/bin").symlink_to("lib")
    (tmp_path / "private").write_text("secret")
    return folder


def test_files_and_links_within_the_program_are_taken(results: Path) -> None:
    check(results, "docker")
    assert (results / "program/lib/libz.so").is_symlink()


def link(name: str, target: str) -> Callable[[Path], None]:
    return lambda results: (results / name).symlink_to(target)


def through_another(results: Path) -> None:
    (results / "program/lib/up").symlink_to("..")
    (results / "program/x").symlink_to("lib/up/..")


def listen(results: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(results, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (link("logs/container.log", "../../private"), "'logs/container.log', which is a link"),
        (link("logs/more", "/"), "'logs/more', which is a link"),
        (link("system/etc/ssl", "/etc/ssl"), "'system/etc/ssl', which is a link"),
        (link("staticx.json", "freeze.json"), "'staticx.json', which is a link"),
        (link("program/x", "/etc/passwd"), "'program/x', which is a link to the absolute path /etc/passwd"),
        (link("program/x", "../../private"), "'program/x', which is a link out of the root, to ../../private"),
        (through_another, "'program/x', which is a link out of the root, through other links"),
        (lambda results: os.mkfifo(results / "logs/pipe"), "'logs/pipe', which is neither a file nor a folder"),
        (listen, "'socket', which is neither a file nor a folder"),
    ],
)
def test_what_leads_elsewhere_is_named_and_nothing_taken(
    results: Path, change: Callable[[Path], None], problem: str
) -> None:
    change(results)
    with pytest.raises(FreezeError) as caught:
        check(results, "docker")
    assert str(caught.value) == f"The output of the docker container has {problem}.\n{REMEDY}"
    assert not results.exists()
    assert (results.parent / "private").read_text() == "secret"


def test_the_folder_itself_is_no_link(results: Path) -> None:
    results.rename(results.parent / "elsewhere")
    results.symlink_to("elsewhere")
    with pytest.raises(FreezeError) as caught:
        check(results, "podman")
    assert str(caught.value) == f"The output of the podman container has 'container', which is a link.\n{REMEDY}"
    assert not results.is_symlink()
    assert (results.parent / "elsewhere/freeze.json").exists()


def test_what_cannot_be_read_is_named_and_nothing_taken() -> None:
    with temporary_folder("pystatic-test-") as folder:
        results = folder / "container"
        results.mkdir()
        nest(results, 2100)
        with pytest.raises(FreezeError) as caught:
            check(results, "docker")
        assert not results.exists()
    problem = f"'{'d/' * 50}…', which cannot be read: File name too long"
    assert str(caught.value) == f"The output of the docker container has {problem}.\n{REMEDY}"


def test_results_that_are_no_folder_are_none(tmp_path: Path) -> None:
    (tmp_path / "container").write_text("x")
    with pytest.raises(FreezeError) as caught:
        check(tmp_path / "container", "docker")
    problem = "'container', which cannot be read: Not a directory"
    assert str(caught.value) == f"The output of the docker container has {problem}.\n{REMEDY}"
    assert not (tmp_path / "container").exists()


def test_what_came_out_before_is_removed(results: Path) -> None:
    remove(results)
    remove(results)
    assert [path.name for path in results.parent.iterdir()] == ["private"]


LOCKED = f"""
import os, sys
from pathlib import Path
from pystatic_tasks.fronts.container.outcome import remove

{BECOMING_NOBODY}
results = Path(sys.argv[1], "container")
(results / "system/locked/inner").mkdir(parents=True)
(results / "system/locked").chmod(0)
remove(results)
print(os.listdir(sys.argv[1]))
"""


@as_nobody
def test_what_came_out_and_lets_nobody_in_is_removed() -> None:
    """An engine would put what comes out the next time into the folder that is there."""
    assert run_as_nobody(LOCKED) == "[]\n"


HIDDEN = f"""
import sys
from pathlib import Path
from pystatic_tasks.errors import FreezeError
from pystatic_tasks.fronts.container.outcome import check

{BECOMING_NOBODY}
private = Path(sys.argv[1], "private")
private.mkdir()
(private / "key").write_text("secret")

def refused(link, target, closed):
    results = Path(sys.argv[1], "container")
    (results / link).parent.mkdir(parents=True)
    (results / link).symlink_to(target)
    (results / closed).chmod(0o311)
    try:
        check(results, "docker")
    except FreezeError as error:
        print(error.problem)
    assert not results.exists()

refused("program", private / "key", ".")
refused("system/etc/ssl", private, "system/etc")
refused("program/opt/private", "/etc", "program/opt")
"""


@as_nobody
def test_a_link_in_a_folder_that_does_not_let_its_owner_list_it_is_found() -> None:
    assert run_as_nobody(HIDDEN).splitlines() == [
        "The output of the docker container has 'program', which is a link.",
        "The output of the docker container has 'system/etc/ssl', which is a link.",
        "The output of the docker container has 'program/opt/private', which is a link to the absolute path /etc.",
    ]
