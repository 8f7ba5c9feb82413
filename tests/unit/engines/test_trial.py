from __future__ import annotations

import io
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from boxes import make_box
from elftools.elf.elffile import ELFFile
from support import tool_or_skip

from pystatic_tasks.engines import Artifact, all_engines, docker, sandbox, trial
from pystatic_tasks.engines.trial import MACHINES, smallest_program, try_out, why_not, write_image
from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.reading.images import open_layers, read_archive


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made, none of which may be left; nothing is remembered of engines."""
    try_out.cache_clear()
    folder = tmp_path / "folders"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    try_out.cache_clear()
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return make_box(tmp_path_factory.mktemp("image"))


def program(folder: Path, machine: str) -> str:
    path = folder / "true"
    path.write_bytes(smallest_program(MACHINES[machine]))
    path.chmod(0o755)
    return str(path)


def test_the_program_ends_with_zero(tmp_path: Path) -> None:
    assert subprocess.run([program(tmp_path, platform.machine())], check=False).returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_the_program_ends_with_zero_on_any_machine(tmp_path: Path, machine: str) -> None:
    emulator = tool_or_skip(f"qemu-{machine}-static")
    assert subprocess.run([emulator, program(tmp_path, machine)], check=False).returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_the_program_is_tiny_and_static(machine: str) -> None:
    content = smallest_program(MACHINES[machine])
    assert len(content) < 140
    elf = ELFFile(io.BytesIO(content))
    assert (elf["e_type"], elf["e_machine"]) == ("ET_EXEC", {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[machine])
    [segment] = elf.iter_segments()
    assert (segment["p_type"], segment["p_filesz"], segment["p_flags"]) == ("PT_LOAD", len(content), 5)
    assert content[elf["e_entry"] - segment["p_vaddr"] :] == MACHINES[machine].code


def test_the_image_holds_the_program_alone(tmp_path: Path) -> None:
    artifact = write_image(tmp_path / "image.tar", b"content")
    [layer] = [list(each) for each in open_layers(artifact.archive, artifact.written)]
    assert [(each.name, each.mode) for each in layer] == [("true", 0o755)]
    assert read_archive(artifact.archive).program == artifact.entrypoint == "/true"


def test_each_image_is_another(tmp_path: Path) -> None:
    first, second = (write_image(tmp_path / f"{number}.tar", b"content") for number in range(2))
    assert first.image_id != second.image_id
    assert not set(first.references) & set(second.references)


def test_the_engine_of_this_machine_works() -> None:
    engine = sandbox.here()
    if not engine.version():
        pytest.skip(f"no sandbox: {engine.problem()}")
    assert why_not(engine) == ""


def test_what_is_not_there_is_not_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [why_not(engine) for engine in all_engines()] == [engine.problem() for engine in all_engines()]
    assert try_out.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ("exit 0", ""),
        ("exit 1", "a program that ends with exit code 0 ended with exit code 1"),
        ("echo first; echo mount: /proc: permission denied. >&2; exit 32", "mount: /proc: permission denied"),
        ("sleep 60", "a program that ends at once is still running after 0 seconds"),
    ],
)
def test_how_it_ended_is_told_in_a_line(box: Artifact, monkeypatch: pytest.MonkeyPatch, script: str, seen: str) -> None:
    engine = sandbox.here()
    if not engine.version():
        pytest.skip(f"no sandbox: {engine.problem()}")
    monkeypatch.setattr(trial, "SECONDS", 0.3 if script == "sleep 60" else 10)
    container = engine.start(box, trial.POLICY, ["sh", "-c", script])
    try:
        assert trial.outcome(container) == seen
    finally:
        container.remove()


def test_what_docker_says_last_is_not_why() -> None:
    why = "Error response from daemon: failed to create task for container: no cgroups."
    said = [why, "Error: failed to start containers: pystatic-1f"]
    assert trial.complaint(ImageError("It failed.", "", said)) == why.removesuffix(".")
    assert trial.complaint(ImageError("It failed.", "", said[1:])) == "It failed"


# A docker that notes what it is asked, and fails at one task.
FAILS = """echo "$1" >> "{notes}"
if [ "$1" = {task} ]; then echo first >&2; echo 'Error: no cgroups.' >&2; exit 1; fi
[ "$1" = version ] && echo 20.10.24
exit 0
"""


def failing_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> Path:
    """The only program on the PATH; where it notes what it is asked."""
    notes = folder / "notes"
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(f"#!/bin/sh\n{FAILS.format(notes=notes, task=task)}", encoding="utf-8")
    (folder / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return notes


@pytest.mark.parametrize(
    ("task", "asked"),
    [
        ("load", ["load", "rmi"]),
        ("create", ["create", "load", "rm", "rmi"]),
        ("start", ["create", "load", "rm", "rmi"]),
    ],
)
def test_an_engine_that_fails_is_told_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, asked: list[str]
) -> None:
    notes = failing_docker(tmp_path, monkeypatch, task)
    for _ in range(2):
        assert why_not(docker.here()) == "it cannot start anything: Error: no cgroups"
    lines = notes.read_text(encoding="utf-8").split()
    assert sorted(line for line in lines if line in ("load", "create", "rm", "rmi")) == asked


def test_another_machine_is_taken_at_the_word_of_its_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    notes = failing_docker(tmp_path, monkeypatch, "load")
    assert why_not(docker.here()) == ""
    assert notes.read_text(encoding="utf-8").split() == ["version"]
