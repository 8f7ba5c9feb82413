from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import LOADS, RUNS

from pystatic_tasks.config.model import ENGINE_NAMES, EngineChoice, EngineName
from pystatic_tasks.engines import choose_engine, loading_engines
from pystatic_tasks.engines.trial import try_out
from pystatic_tasks.errors import MissingToolError

REMEDY = "Start or install it, or choose another: "


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on the PATH, for root; what was seen of engines before and here is forgotten."""
    try_out.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    yield tmp_path
    try_out.cache_clear()


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def sandbox_tools(folder: Path) -> None:
    for name in ("unshare", "setpriv", "chroot", "mount"):
        program(folder, name, f"echo {name} 1.2")


def refused(name: EngineChoice) -> str:
    with pytest.raises(MissingToolError) as caught:
        choose_engine(name)
    return str(caught.value)


def others(name: EngineName) -> str:
    *first, last = [f"--engine {each}" for each in ENGINE_NAMES if each != name]
    return f"{', '.join(first)} or {last}"


@pytest.mark.parametrize("name", ["docker", "podman", "nerdctl"])
def test_an_engine_that_is_not_there_is_named_with_the_others(name: EngineName) -> None:
    assert refused(name) == (
        f'The engine {name} does not work here (the program "{name}" is not on the PATH).\n{REMEDY}{others(name)}.'
    )


@pytest.mark.parametrize(("user", "tool"), [(0, "unshare"), (1000, "bwrap")])
def test_a_sandbox_without_its_tool_names_the_tool(monkeypatch: pytest.MonkeyPatch, user: int, tool: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert refused("sandbox") == (
        "The engine sandbox does not work here "
        f'(the program "{tool}" is not on the PATH).\n{REMEDY}{others("sandbox")}.'
    )


def test_an_engine_whose_server_does_not_run_says_so(programs: Path) -> None:
    program(programs, "docker", "echo warning >&2; echo cannot connect to the server >&2; exit 1")
    assert refused("docker") == (
        f"The engine docker does not work here (cannot connect to the server).\n{REMEDY}{others('docker')}."
    )


@pytest.mark.parametrize("said", ["Cannot connect. Is the docker daemon running?", "permission denied."])
def test_the_engines_own_sentence_is_not_ended_twice(programs: Path, said: str) -> None:
    program(programs, "docker", f"echo '{said}' >&2; exit 1")
    reason = said.removesuffix(".")
    assert refused("docker").splitlines()[0] == f"The engine docker does not work here ({reason})."


def test_without_any_engine_each_says_why() -> None:
    programs = {name: str(name) for name in ENGINE_NAMES} | {"sandbox": "unshare"}
    reasons = (f'  {name}: the program "{program}" is not on the PATH\n' for name, program in programs.items())
    assert refused("auto") == (
        "No engine that can run the image works here:\n"
        f"{''.join(reasons)}"
        "Start or install one of them; PRoot needs neither a daemon nor privileges: apt-get install proot."
    )


def test_docker_goes_before_podman_then_nerdctl_the_sandbox_and_proot(programs: Path) -> None:
    program(programs, "setpriv", "")
    program(programs, "proot", "")
    assert choose_engine("auto").name == "proot"
    sandbox_tools(programs)
    assert choose_engine("auto").name == "sandbox"
    program(programs, "nerdctl", LOADS)
    assert choose_engine("auto").name == "nerdctl"
    program(programs, "podman", RUNS.format(version="4.3.1"))
    assert choose_engine("auto").name == "podman"
    program(programs, "docker", RUNS.format(version="20.10.24"))
    assert choose_engine("auto").name == "docker"


# A podman that has a version, and whose containers do not start.
STARTS_NOTHING = """case $1 in
    start) echo 'Error: unable to start container: crun: no cgroups.' >&2; exit 126 ;;
    *) echo 4.3.1 ;;
esac"""


def test_an_engine_that_starts_nothing_is_passed_over(programs: Path) -> None:
    program(programs, "podman", STARTS_NOTHING)
    program(programs, "nerdctl", LOADS)
    assert choose_engine("auto").name == "nerdctl"


def test_an_engine_that_starts_nothing_says_why(programs: Path) -> None:
    program(programs, "podman", STARTS_NOTHING)
    why = "it cannot start anything: Error: unable to start container: crun: no cgroups"
    assert refused("podman").splitlines()[0] == (f"The engine podman does not work here ({why}).")
    assert f"\n  podman: {why}\n" in refused("auto")


def test_an_engine_that_starts_nothing_takes_images(programs: Path) -> None:
    program(programs, "podman", STARTS_NOTHING)
    assert [engine.name for engine in loading_engines("auto")] == ["podman"]
    assert [engine.name for engine in loading_engines("podman")] == ["podman"]


@pytest.mark.parametrize(
    ("user", "there", "remedy"),
    [
        (0, {}, "; PRoot needs neither a daemon nor privileges: apt-get install proot."),
        (0, {"proot": "exit 1"}, "."),
        (1000, {"unshare": ""}, "; the smallest is bubblewrap: apt-get install bubblewrap."),
        (1000, {"unshare": "exit 1"}, "; PRoot needs neither a daemon nor privileges: apt-get install proot."),
        (
            1000,
            {"unshare": "", "bwrap": "exit 1"},
            "; PRoot needs neither a daemon nor privileges: apt-get install proot.",
        ),
        (1000, {"bwrap": "exit 1", "proot": "exit 1"}, "."),
    ],
)
def test_what_would_help_is_named(
    programs: Path, monkeypatch: pytest.MonkeyPatch, user: int, there: dict[str, str], remedy: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for name, text in there.items():
        program(programs, name, text)
    assert refused("auto").splitlines()[-1] == f"Start or install one of them{remedy}"


def test_an_engine_that_does_not_work_is_passed_over(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    program(programs, "podman", RUNS.format(version="4.3.1"))
    assert choose_engine("auto").name == "podman"


def test_who_asks_for_an_engine_gets_it(programs: Path) -> None:
    program(programs, "docker", RUNS.format(version="20.10.24"))
    program(programs, "podman", RUNS.format(version="4.3.1"))
    assert choose_engine("podman").name == "podman"


def test_an_image_is_loaded_into_all_engines_that_are_there(programs: Path) -> None:
    assert list(loading_engines("auto")) == []
    program(programs, "docker", RUNS.format(version="20.10.24"))
    program(programs, "podman", RUNS.format(version="4.3.1"))
    assert [engine.name for engine in loading_engines("auto")] == ["docker", "podman"]
    program(programs, "nerdctl", LOADS)
    assert [engine.name for engine in loading_engines("auto")] == ["docker", "podman", "nerdctl"]


def test_an_image_is_loaded_into_the_engine_that_was_asked_for_alone(programs: Path) -> None:
    program(programs, "docker", RUNS.format(version="20.10.24"))
    program(programs, "podman", RUNS.format(version="4.3.1"))
    assert [engine.name for engine in loading_engines("podman")] == ["podman"]
    assert [list(loading_engines(name)) for name in ("sandbox", "proot")] == [[], []]
