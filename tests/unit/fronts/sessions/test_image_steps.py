from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from nox import registry
from nox_sessions import SHOP, TWO, AbortedError, Nox, Session, variables_with, write
from support import without_times

from pystatic_tasks.config import load_config
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.fronts import platforms
from pystatic_tasks.fronts.sessions import image_steps
from pystatic_tasks.fronts.sessions.environment import only_installs
from pystatic_tasks.fronts.sessions.image_steps import print_result
from pystatic_tasks.fronts.sessions.registration import register
from pystatic_tasks.steps.table import STEPS, steps_before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["--layout", "flat"],
            '1 problem in the configuration of {path}:\n  --layout = "flat": must be one of "onefile", "tree"\n'
            "Correct the lines above and try again",
        ),
        (
            ["x"],
            'After --: unknown word "x".\nAvailable: --tag TAG, --layout LAYOUT, --engine ENGINE, '
            "--in PLACE, --platform PLATFORM, --archive FILE, --filename FILE, --recursive, --no-cache, --no-observe, "
            "--fix, --format FORMAT, --check-reproducible, --env NAME[=VALUE], --publish [HOST:]PORT, --open, "
            "--watch, --verbose, --json; put another -- before words for the program",
        ),
        (
            ["--tag"],
            "After --: argument --tag: expected one argument.\nAvailable: --tag TAG, --layout LAYOUT, "
            "--engine ENGINE, --in PLACE, --platform PLATFORM, --archive FILE, --filename FILE, --recursive, "
            "--no-cache, --no-observe, "
            "--fix, --format FORMAT, --check-reproducible, --env NAME[=VALUE], --publish [HOST:]PORT, --open, "
            "--watch, --verbose, --json; put another -- before words for the program",
        ),
        (
            ["--platform", "linux/s390x"],
            "--platform linux/s390x: this machine builds linux/arm64 only.\n"
            "Build on a machine of that platform, or in a container for it: --in docker or --in podman",
        ),
    ],
)
def test_wrong_words_after_the_dashes_end_the_session_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], text: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    sessions = register(root=write(tmp_path))
    for step in STEPS:
        with pytest.raises(AbortedError) as caught:
            sessions[step](Session(*words).nox)
        assert str(caught.value) == text.format(path=tmp_path / "pyproject.toml")


NOTING = """
from dataclasses import replace
import nox
import pystatic_tasks
from pystatic_tasks.steps.table import STEPS

for name in [name for name, step in STEPS.items() if not step.is_for_project]:
    note = lambda config, context, name=name: context.say(f"ran {name}")
    STEPS[name] = replace(STEPS[name], run=note, needs_environment=False)

pystatic_tasks.register(skip=["staticx"])

@nox.session(venv_backend="none")
def deploy(session):
    pystatic_tasks.run_step(session, "image")
"""


@pytest.mark.parametrize(
    ("session", "words", "first", "problem"),
    [
        ("image", ("--watch", "--open"), "freeze", "--open is for report, which was not requested."),
        ("push", ("--fix",), "freeze", "--fix is for smoke, which was not requested."),
        ("index", ("--check-reproducible",), "index", "--check-reproducible is for image, which was not requested."),
        (
            "freeze",
            ("--", "x"),
            "freeze",
            'Text after the last "--" is for run and shell, which were not requested.',
        ),
    ],
)
def test_what_no_session_that_was_asked_for_takes_is_refused(
    tmp_path: Path, run_nox: Nox, session: str, words: Sequence[str], first: str, problem: str
) -> None:
    result = run_nox(write(tmp_path, noxfile=NOTING), "-s", session, "--", *words)
    assert f"Session {first} aborted: {problem}\nRemove it.\n" in without_times(result.stderr)
    assert "ran " not in result.stderr


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        (["image", "smoke"], ["--fix"]),
        (["smoke", "report"], ["--fix", "--open"]),
        (["report", "smoke"], ["--fix", "--open"]),
        (["deploy"], ["--open"]),
        (["deploy", "freeze"], ["--open"]),
    ],
)
def test_what_one_session_takes_or_may_take_stands_for_all(
    tmp_path: Path, run_nox: Nox, sessions: Sequence[str], words: Sequence[str]
) -> None:
    result = run_nox(write(tmp_path, noxfile=NOTING), "-s", *sessions, "--", *words)
    assert result.returncode == 0, result.stderr


FAILING = """
import nox
from pystatic_tasks.errors import SmokeError

def fail(config, context):
    raise SmokeError("It failed.", "See why.")

@nox.session(venv_backend="none")
def tests(session):
    session.error("they failed")
"""


@pytest.mark.parametrize(
    ("sessions", "words"),
    [(["smoke", "report"], ["--fix", "--open"]), (["tests", "freeze"], ["--env", "A=b"])],
)
def test_it_stands_for_them_after_that_session_failed_too(
    tmp_path: Path, run_nox: Nox, sessions: Sequence[str], words: Sequence[str]
) -> None:
    replaced = 'STEPS["smoke"] = replace(STEPS["smoke"], run=fail, needs_environment=False)\n'
    noxfile = f"{FAILING}{NOTING.replace('pystatic_tasks.register', f'{replaced}pystatic_tasks.register')}"
    result = run_nox(write(tmp_path, noxfile=noxfile), "--no-dependencies", "-s", *sessions, "--", *words)
    assert "not requested" not in result.stderr
    assert f"Session {sessions[0]} " in result.stderr
    assert f"Session {sessions[1]} was successful" in result.stderr


def test_a_step_that_lacks_the_one_before_ends_the_session_with_a_message(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    with pytest.raises(AbortedError) as caught:
        sessions["staticx"](Session().nox)
    assert str(caught.value) == (
        f"The results of freeze for shop are not in {tmp_path}/build/pystatic/shop.\n"
        "Run the freeze session first (it runs by itself unless Nox gets --no-dependencies)"
    )


def test_the_layout_may_be_chosen_for_one_run(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    session = Session("--layout", "tree")
    sessions["staticx"](session.nox)
    assert session.lines == ["the tree layout has no static executable"]


def test_the_configuration_is_read_anew_when_the_session_runs(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    write(tmp_path, SHOP + "name = 'other'\n")
    with pytest.raises(AbortedError, match=r"^The results of freeze for other are not in "):
        sessions["staticx"](Session().nox)


def test_each_image_is_built_by_its_own_session(tmp_path: Path) -> None:
    register(root=write(tmp_path, TWO))
    with pytest.raises(AbortedError, match=r"^The results of freeze for worker are not in "):
        registry.get()["staticx-worker"](Session().nox)


@pytest.mark.parametrize(
    ("step", "words", "printed"),
    [
        ("image", [], ""),
        ("image", ["--json"], '{"references": ["a@sha256:1", "b@sha256:1"]}\n'),
        ("push", [], "a@sha256:1\nb@sha256:1\n"),
        ("index", [], "a@sha256:1\nb@sha256:1\n"),
        ("push", ["--json"], '{"references": ["a@sha256:1", "b@sha256:1"]}\n'),
    ],
)
def test_standard_output_has_what_was_pushed_by_digest_or_json(
    capsys: pytest.CaptureFixture[str], step: str, words: list[str], printed: str
) -> None:
    print_result({"references": ["a@sha256:1", "b@sha256:1"]}, step, parse_options(words))
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("words", [[], ["--json"]])
@pytest.mark.parametrize("content", [b"", b"no JSON", b"\xff", b"[1]", b"[" * 100_000])
def test_a_result_that_somebody_replaced_meanwhile_is_not_printed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    words: list[str],
) -> None:
    sessions = register(root=write(tmp_path))
    replaced = tmp_path / "dist/pystatic/shop/push.json"
    monkeypatch.setitem(STEPS, "push", replace(STEPS["push"], run=lambda *_: replaced.write_bytes(content)))
    sessions["push"](Session("--tag", "registry.example/shop:1", *words).nox)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("references", [5, None, {"a@sha256:1": 1}, [5, "a:1", "a@sha256:1\n\x1b[2J", ["a@sha256:1"]]])
def test_only_references_by_digest_are_printed(capsys: pytest.CaptureFixture[str], references: object) -> None:
    print_result({"references": references}, "push", parse_options([]))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("step", ["run", "shell"])
def test_a_step_in_the_foreground_has_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    sessions = register(root=write(tmp_path))
    monkeypatch.setitem(STEPS, step, replace(STEPS[step], run=lambda *_: None))
    left = tmp_path / "build/pystatic/shop" / f"{step}.json"
    left.parent.mkdir(parents=True)
    left.write_text('{"references": ["a@sha256:1"]}', encoding="utf-8")
    sessions[step](Session().nox)
    assert capsys.readouterr().out == ""


def test_a_session_that_may_only_install_runs_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(image_steps, "prepare", lambda image, _: prepared.append(image.name))
    session = Session(install_only=True)
    assert only_installs(session.nox)
    assert session.lines == ["runs no step, as --install-only is set"]
    assert not only_installs(Session().nox)
    sessions = register(root=write(tmp_path))
    sessions["staticx"](session.nox)
    assert prepared == []
    sessions["freeze"](session.nox)
    assert prepared == ["shop"]


def test_nothing_is_installed_behind_a_link_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(image_steps, "prepare", lambda image, _: prepared.append(image.name))
    sessions = register(root=write(tmp_path / "project"))
    (tmp_path / "project/build").mkdir()
    (tmp_path / "project/build/pystatic").symlink_to(tmp_path)
    with pytest.raises(AbortedError) as caught:
        sessions["freeze"](Session(install_only=True).nox)
    assert str(caught.value) == (
        f"{tmp_path}/project/build/pystatic is a link, and a build would write to its target.\n"
        "Remove it. To build in another place, make build/ or dist/ itself a link that git does not track"
    )
    assert prepared == []


# --fix.

FIXING = """
import os
from dataclasses import replace

import nox
import pystatic_tasks
from pystatic_tasks.errors import FreezeError, Repair, SmokeError
from pystatic_tasks.steps.table import STEPS

NEEDED = os.environ["NEEDED"].split()
FAILING = os.environ.get("FAILING")


def step(name):
    def run(image, context):
        there = image.freeze.hidden_imports
        anew = "" if context.use_cache else " anew"
        context.say(f"{name} of {image.name} with {' '.join(there) or 'nothing'}{anew}")
        if FAILING in there and name == "freeze":
            raise FreezeError("It does not freeze.", "Mend it.")
        missing = [each for each in NEEDED if each not in there]
        if name == "smoke" and missing:
            repair = Repair(table="freeze", key="hidden-imports", value=(*there, missing[0]))
            raise SmokeError("It broke:", "Mend it.", [], [repair] if missing[0] != "unknown" else [])

    return run


STEPS.update({name: replace(each, run=step(name)) for name, each in STEPS.items()})


@nox.session(venv_backend="none")
def own(session):
    pystatic_tasks.run_step(session, "smoke")


pystatic_tasks.register(SKIP)
"""


Lines = Callable[..., list[str]]


@pytest.fixture
def fix(run_nox: Nox, environments: Sequence[str]) -> Lines:
    """What Nox says while it repairs a project that lacks these modules."""

    def fix(
        folder: Path,
        *arguments: str,
        needed: str = "a b",
        text: str = SHOP,
        register: str = "",
        ok: bool = True,
        words: Sequence[str] = (),
        **more: str,
    ) -> list[str]:
        write(folder, text, noxfile=FIXING.replace("SKIP", register))
        result = run_nox(folder, *environments, *arguments, "--", "--fix", *words, NEEDED=needed, **more)
        assert (result.returncode == 0) is ok, result.stderr
        return [line.removeprefix("nox > ") for line in result.stderr.splitlines()]

    return fix


def steps_of(lines: list[str]) -> list[str]:
    return [line for line in lines if " of shop with " in line or line.startswith("wrote")]


WROTE = "wrote into pyproject.toml: tool.pystatic-tasks.freeze.hidden-imports = "
CHAIN = [*reversed(steps_before("smoke")), "smoke"]
ALL_STEPS = [f"{step} of shop with {there}" for there in ("nothing", "a", "a b") for step in CHAIN]


@pytest.mark.parametrize("skip", ["", "skip=['staticx']", "skip=['freeze', 'staticx', 'image']", "prefix='web-'"])
def test_a_repair_is_written_and_all_is_done_again(tmp_path: Path, fix: Lines, skip: str) -> None:
    name = "web-smoke" if "prefix" in skip else "smoke"
    lines = fix(tmp_path, "-s", name, register=skip)
    assert steps_of(lines) == [*ALL_STEPS[:4], f'{WROTE}["a"]', *ALL_STEPS[4:8], f'{WROTE}["a", "b"]', *ALL_STEPS[8:]]
    assert (tmp_path / "pyproject.toml").read_text(encoding="utf-8") == (f'{SHOP}freeze.hidden-imports = ["a", "b"]\n')
    assert not any(line.startswith("Session") and "aborted" in line for line in lines)


@pytest.mark.parametrize("skip", ["", "skip=['freeze', 'staticx', 'image']"])
def test_after_a_repair_only_what_follows_from_it_is_made_anew(tmp_path: Path, fix: Lines, skip: str) -> None:
    lines = fix(tmp_path, "-s", "smoke", register=skip, needed="a", words=["--no-cache"])
    anew = [f"{step} anew" for step in ALL_STEPS[:4]]
    assert steps_of(lines) == [*anew, f'{WROTE}["a"]', *ALL_STEPS[4:8]]


def test_what_cannot_be_repaired_ends_it(tmp_path: Path, fix: Lines) -> None:
    lines = fix(tmp_path, "-s", "smoke", needed="a unknown", ok=False)
    assert steps_of(lines) == [*ALL_STEPS[:4], f'{WROTE}["a"]', *ALL_STEPS[4:8]]
    assert lines.index("Session smoke aborted: It broke:") + 1 == lines.index("Mend it.")


def test_only_the_sessions_of_the_image_run_again(tmp_path: Path, fix: Lines) -> None:
    lines = fix(tmp_path, "-s", "smoke-worker", text=TWO, needed="a")
    ran = [line for line in lines if " with " in line]
    assert ran == [f"{step} of worker with {there}" for there in ("nothing", "a") for step in CHAIN]
    assert [image.freeze.hidden_imports for image in load_config(tmp_path)] == [(), ("a",)]


def test_a_session_that_fails_after_the_repair_ends_it(tmp_path: Path, fix: Lines) -> None:
    lines = fix(tmp_path, "-s", "smoke", ok=False, FAILING="a")
    text = 'Session smoke aborted: shop was repaired with tool.pystatic-tasks.freeze.hidden-imports = ["a"] in '
    assert "Session freeze aborted: It does not freeze." in lines
    assert f"{text}pyproject.toml, but then freeze failed." in lines
    assert steps_of(lines) == [*ALL_STEPS[:4], f'{WROTE}["a"]', ALL_STEPS[4]]


@pytest.mark.parametrize("arguments", [["--no-dependencies", "-s", "smoke"], ["-s", "own"]])
def test_where_nothing_can_be_run_again_it_is_said(tmp_path: Path, fix: Lines, arguments: list[str]) -> None:
    lines = fix(tmp_path, *arguments, ok=False)
    name = arguments[-1]
    place = lines.index(
        f"Session {name} aborted: shop broke its contract; a possible repair is now in pyproject.toml: "
        'tool.pystatic-tasks.freeze.hidden-imports = ["a"].'
    )
    assert lines[place + 1] == f"Run freeze again, then the session {name}."


@pytest.mark.parametrize(
    ("register", "variable"),
    [("freeze={'hidden_imports': ['x']}", {}), ("", {"PYSTATIC_TASKS_FREEZE_HIDDEN_IMPORTS": "x"})],
)
def test_what_is_overridden_ends_it(tmp_path: Path, fix: Lines, register: str, variable: dict[str, str]) -> None:
    lines = fix(tmp_path, "-s", "smoke", register=register, ok=False, **variable)
    place = lines.index(
        f"Session smoke aborted: freeze.hidden-imports is now in {tmp_path}/pyproject.toml, but the noxfile's call "
        "or the variable PYSTATIC_TASKS_FREEZE_HIDDEN_IMPORTS overrides it."
    )
    assert lines[place + 1] == "Remove the override, or add the value there too."
    assert len([line for line in lines if line.startswith("smoke of")]) == 1


# --watch.

WATCHING = """
import os
from dataclasses import replace
from pathlib import Path

import nox
import pystatic_tasks
from pystatic_tasks.errors import FreezeError, PystaticError
from pystatic_tasks.steps.table import STEPS


def step(name):
    def run(image, context):
        fails = name == "freeze" and image.name == "broken"
        context.say(f"{name} of {image.name}{'' if context.use_cache else ' anew'}")
        if fails:
            raise FreezeError("It does not freeze.", "Mend it.")
        if name == "run":
            for other in ("broken", "mended"):
                text = Path("pyproject.toml").read_text().replace("shop", other).replace("broken", other)
                Path("pyproject.toml").write_text(text)
                try:
                    context.say(f"runs {context.build_again().name}")
                except PystaticError as error:
                    context.say(error.problem)

    return run


STEPS.update({name: replace(each, run=step(name)) for name, each in STEPS.items()})


@nox.session(venv_backend="none")
def own(session):
    pystatic_tasks.run_step(session, "run")


pystatic_tasks.register(SKIP)
"""


@pytest.fixture
def watch(run_nox: Nox, environments: Sequence[str]) -> Lines:
    """What Nox says while a project is built again, first to no avail."""

    def watch(folder: Path, *arguments: str, register: str = "", ok: bool = True) -> list[str]:
        write(folder, noxfile=WATCHING.replace("SKIP", register))
        result = run_nox(folder, *environments, *arguments, "--", "--watch", "--no-cache")
        assert (result.returncode == 0) is ok, result.stderr
        return [line.removeprefix("nox > ") for line in result.stderr.splitlines()]

    return watch


BUILDING = ["freeze", "staticx", "image"]


@pytest.mark.parametrize("skip", ["", "skip=['staticx']", "prefix='web-'"])
def test_what_runs_is_built_again_as_it_is_configured_then(tmp_path: Path, watch: Lines, skip: str) -> None:
    name = "web-run" if "prefix" in skip else "run"
    lines = watch(tmp_path, "-s", name, register=skip)
    freeze = name.replace("run", "freeze")
    assert [line for line in lines if " of " in line or line.startswith(("runs", "Cannot"))] == [
        *(f"{step} of shop anew" for step in [*BUILDING, "run"]),
        "freeze of broken",
        f"Cannot build broken: {freeze} failed.",
        *(f"{step} of mended" for step in BUILDING),
        "runs mended",
    ]
    assert f"Session {freeze} aborted: It does not freeze." in lines


def test_a_session_that_does_all_itself_does_it_again(tmp_path: Path, watch: Lines) -> None:
    lines = watch(tmp_path, "-s", "run", register="skip=['freeze', 'staticx', 'image']")
    assert [line for line in lines if " of " in line or line.startswith(("runs", "It "))] == [
        *(f"{step} of shop anew" for step in [*BUILDING, "run"]),
        "freeze of broken",
        "It does not freeze.",
        *(f"{step} of mended" for step in BUILDING),
        "runs mended",
    ]


@pytest.mark.parametrize("arguments", [["--no-dependencies", "-s", "run"], ["-s", "own"]])
def test_what_could_not_be_built_again_is_not_watched(tmp_path: Path, watch: Lines, arguments: list[str]) -> None:
    lines = watch(tmp_path, *arguments, ok=False)
    name = arguments[-1]
    place = lines.index(
        f"Session {name} aborted: --watch needs the sessions before {name} for its builds, "
        "but there are none, or Nox runs without them."
    )
    assert lines[place + 1] == "Run a session of register() without --no-dependencies, or omit --watch."


# Two builds at once.

SLOW = """
import os
import time
from dataclasses import replace
from pathlib import Path

import pystatic_tasks
from pystatic_tasks.steps.table import STEPS


def step(name):
    def run(image, context):
        with open("ran", "a") as file:
            print(os.environ["BUILD"], name, file=file)
        while name == "freeze" and os.environ["BUILD"] == "first" and not Path("go").exists():
            time.sleep(0.01)

    return run


STEPS.update({name: replace(each, run=step(name)) for name, each in STEPS.items()})
pystatic_tasks.register()
"""


def test_a_build_has_its_image_until_its_last_session(tmp_path: Path, environments: Sequence[str]) -> None:
    """Else the next session finds what another configuration left."""
    write(tmp_path, noxfile=SLOW)

    def start(build: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "nox", *environments, "-s", "smoke"]
        variables = variables_with(BUILD=build)
        return subprocess.Popen(command, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True)

    with start("first") as first:
        while not (tmp_path / "ran").exists():
            assert first.poll() is None
            time.sleep(0.01)
        with start("second") as second:
            assert second.stderr
            assert any("another build of shop is running here; waiting for it" in line for line in second.stderr)
            (tmp_path / "go").touch()
            second.communicate(timeout=60)
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    steps = [f"{build} {step}" for build in ("first", "second") for step in CHAIN]
    assert (tmp_path / "ran").read_text(encoding="utf-8").splitlines() == steps


# In a container, and for several platforms.


IN_DOCKER = SHOP + 'python = "3.12"\nbuild.place = "docker"\n'


def test_freeze_is_done_in_the_container_and_pack_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sessions = register(root=write(tmp_path, IN_DOCKER), max_size="9MB")
    sessions["staticx"](Session(venv_backend="none").nox)
    with pytest.raises(AbortedError) as caught:
        sessions["freeze"](Session("--platform", "linux/s390x", venv_backend="none").nox)
    assert str(caught.value).startswith("Cannot freeze in a docker container: docker does not work")


BOTH = ("--in", "docker", "--platform", "linux/amd64,linux/arm64")


@pytest.mark.parametrize("step", ["slim", "run"])
def test_some_steps_are_for_one_platform(tmp_path: Path, step: str) -> None:
    with pytest.raises(AbortedError) as caught:
        register(root=write(tmp_path))[step](Session(*BOTH).nox)
    assert str(caught.value) == (
        f"{step} takes one platform at a time, but 2 are given.\n"
        "Choose one: --platform linux/amd64 or --platform linux/arm64"
    )


def test_what_was_made_for_several_platforms_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    sessions = register(root=write(tmp_path))
    results = tmp_path / "dist" / "pystatic" / "shop"
    for path in ("linux/arm64/smoke.json", "linux/amd64/smoke.json", "smoke.json", "index.json"):
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).write_text(f'{{"path": "{path}"}}', encoding="utf-8")
    asked: list[str] = []
    for step in ("smoke", "image"):
        monkeypatch.setitem(STEPS, step, replace(STEPS[step], run=lambda config, _: asked.append(config.platform)))
    monkeypatch.setattr(platforms, "read_archives", lambda *_: {})
    monkeypatch.setattr(platforms, "join", lambda *_: None)
    sessions["smoke"](Session(*BOTH, "--json").nox)
    assert capsys.readouterr().out == '{"path": "linux/arm64/smoke.json"}\n{"path": "linux/amd64/smoke.json"}\n'
    sessions["image"](Session(*BOTH, "--json").nox)
    assert capsys.readouterr().out == '{"path": "index.json"}\n'
    assert asked == ["linux/arm64", "linux/amd64"] * 2
