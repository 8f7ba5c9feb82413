from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from applets import build
from changed_images import entry, write_changed
from support import FROZEN

from pystatic_tasks.config.model import ImageConfig, Layout, PackerName
from pystatic_tasks.errors import ConfigError, MissingToolError, ProgramError, PystaticError
from pystatic_tasks.oci import compression
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import require_result
from pystatic_tasks.steps.results import Built
from pystatic_tasks.steps.shell.entries import entries
from pystatic_tasks.steps.shell.step import copy_with_shell, shell


@pytest.fixture(autouse=True)
def sandboxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sandbox makes its folders; how small a copy gets does not matter here."""
    folder = tmp_path / "sandboxes"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for level in ("GZIP_LEVEL", "QUICK_LEVEL"):
        monkeypatch.setattr(compression, level, 0)
    return folder


@pytest.fixture
def nothing_typed() -> Iterator[None]:
    """Standard input that ends at once."""
    own, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    yield
    os.dup2(own, 0)
    os.close(own)
    os.close(nothing)


def open_shell(config: ImageConfig, *words: str, **options: Any) -> list[str]:
    """What is said of a shell in which these words are run."""
    said: list[str] = []
    shell(config, StepContext(say=said.append, arguments=words or None, **options))
    return said


def files_of(config: ImageConfig) -> dict[str, bytes]:
    """All that steps have left."""
    paths = (path for folder in (config.dist, config.work) for path in folder.rglob("*"))
    return {str(path): path.read_bytes() for path in paths if path.is_file() and "lock" not in path.name}


def test_words_are_run_beside_the_program(tmp_path: Path, sandboxes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = build(tmp_path, "env")
    before = files_of(config)
    script = 'ls -A /; echo "$A $PATH"; id -u; touch /x'
    with pytest.raises(ProgramError) as caught:
        open_shell(config, "sh", "-c", script, variables={"A": "größe 1"})
    printed = capfd.readouterr()
    assert printed.out.splitlines()[:4] == [".shell", "dev", "env", "etc"]
    assert "größe 1 /.shell/bin:" in printed.out
    assert "\n65535\n" in printed.out
    assert "Read-only file system" in printed.out
    assert str(caught.value) == "sh ended with exit code 1 in env.\nSee its output above."
    assert caught.value.exit_code == 1
    assert files_of(config) == before
    assert list(sandboxes.iterdir()) == []


@pytest.mark.usefixtures("nothing_typed")
def test_without_words_it_asks_for_commands(tmp_path: Path) -> None:
    assert open_shell(build(tmp_path, "env")) == [
        "a shell in env (sandbox, as user 65535:65535); exit ends it",
        "  /env is the program; a program packed by staticx has no interpreter of its own",
        "the shell ended with exit code 0",
    ]


@pytest.mark.usefixtures("nothing_typed")
def test_where_there_is_an_interpreter_it_is_named(tmp_path: Path) -> None:
    assert open_shell(build(tmp_path, "env", layout="tree"))[1] == "  /env is the program; python is its interpreter"


@pytest.mark.parametrize(
    ("layout", "packer", "expected"),
    [
        ("tree", "launcher", {"/.shell/bin/python"}),
        ("onefile", "staticx", set()),
        (
            "onefile",
            "launcher",
            {
                "/.shell/bin/python",
                "/.shell/shop-0-python",
                "/.shell/shop-0-python/bin",
                "/.shell/shop-0-python/bin/python",
            },
        ),
    ],
)
def test_the_interpreter_is_the_programs(
    tmp_path: Path, layout: Layout, packer: PackerName, expected: set[str]
) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app", layout=layout, packer=packer)
    found = {each.path: each for each in entries(config, FROZEN, tmp_path, ["sh", "busybox", "python"])}
    common = {"/.shell", "/.shell/bin", "/.shell/bin/busybox", "/.shell/bin/sh"}
    assert set(found) == common | expected
    assert found["/.shell/bin/sh"] == Entry(path="/.shell/bin/sh", mode=0o777, link="busybox")
    if layout == "tree":
        script = found["/.shell/bin/python"].content
        assert isinstance(script, bytes)
        assert b"exec /usr/local/bin/python3.12 -i -S -c" in script
    elif expected:
        assert found["/.shell/shop-0-python/bin/python"].link == "../../../shop"


def test_the_copy_has_a_name_that_leads_to_no_registry_and_is_gone(tmp_path: Path) -> None:
    config = build(tmp_path, "env")
    with copy_with_shell(config) as artifact:
        assert artifact.references == ["localhost/env:shell"]
        assert artifact.archive.is_relative_to(config.work)
        assert artifact.image_id != json.loads((config.dist / "image.json").read_text(encoding="utf-8"))["image_id"]
    assert not artifact.archive.exists()


def test_one_shell_is_open_at_a_time(tmp_path: Path) -> None:
    config = build(tmp_path, "env")
    with (config.work / "shell.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(PystaticError) as caught:
            open_shell(config)
    assert str(caught.value) == (
        "A shell in env is already open from this folder.\nEnd it first, with exit where it was opened."
    )


@pytest.mark.parametrize(
    ("option", "value"), [("publish", ("127.0.0.1", 8000)), ("watches", True)], ids=["publish", "watch"]
)
def test_what_only_run_does_is_refused(tmp_path: Path, option: str, value: object) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    with pytest.raises(ConfigError) as caught:
        open_shell(config, **{option: value})
    assert str(caught.value) == f"--{option.removesuffix('es')} is for run, but was given to shell.\nRemove it."


def test_without_a_busybox_nothing_is_opened(tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = build(tmp_path, "env")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("unshare", "setpriv", "chroot", "mount", "sh", "bwrap"):
        for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            if Path(folder, name).exists() and not (tools / name).exists():
                (tools / name).symlink_to(Path(folder, name))
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(MissingToolError, match=r"^shell needs a static busybox, but there is none"):
        open_shell(config)
    assert list(sandboxes.iterdir()) == []


def test_an_archive_of_another_image_is_not_opened(tmp_path: Path) -> None:
    config = build(tmp_path, "env")
    (tmp_path / "other").mkdir()
    other = build(tmp_path / "other", "true")
    (config.dist / "image.tar").write_bytes((other.dist / "image.tar").read_bytes())
    with pytest.raises(PystaticError) as caught:
        open_shell(config)
    assert str(caught.value).startswith(f"The results of image for env are not in {config.work}.\n")


def test_push_finds_no_more_than_before(tmp_path: Path) -> None:
    """What would be sent while a shell is open is what was built."""
    config = build(tmp_path, "env")
    built = require_result(config, Built)
    with copy_with_shell(config) as artifact:
        assert require_result(config, Built) == built
        assert digest(read_archive(config.dist / "image.tar").manifest.content) == built.digest
        assert artifact.archive not in config.dist.rglob("*")
        assert artifact.references not in (config.references, [])


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.oci.reading.images import read_checked
from pystatic_tasks.steps.shell.step import write_copy

saved = read_checked(Path(sys.argv[1]))
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**24,) * 2)
try:
    write_copy(saved, [], {}, Path(sys.argv[2]), ["localhost/shop:shell"])
except PystaticError as error:
    print(error)
"""


def test_a_copy_larger_than_memory_is_told(tmp_path: Path) -> None:
    path, copy = tmp_path / "image.tar", tmp_path / "copy.tar"
    write_changed(path, [(entry("zeros"), bytes(2**25))])
    command = [sys.executable, "-c", LITTLE_MEMORY, str(path), str(copy)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"Not enough memory for a copy of {path}.\nRun this on a machine with more memory.\n"
    assert not copy.exists()
