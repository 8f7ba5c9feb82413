from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nox
import pytest
from nox import registry
from nox_sessions import NOXFILE, SHOP, TWO, AbortedError, Nox, Session, refused, requirements, variables_with, write

from pystatic_tasks.fronts.sessions.registration import register
from pystatic_tasks.steps.table import STEPS

ON_REQUEST = [name for name, step in STEPS.items() if step.on_request]
WARNING = "pystatic-tasks: 1 problem in the configuration of "


def own_session(name: str) -> None:
    """A session of the user's under that name."""

    def run(session: nox.Session) -> None:
        """Mine."""

    nox.session(name=name)(run)


# What register() adds.


def test_the_sessions_are_returned_by_step(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    building = ["freeze", "slim", "staticx", "image", "smoke", "run", "shell"]
    assert list(sessions) == [*building, "sbom", "report", "push", "index", "resolve"]
    assert sessions == registry.get()


def test_each_step_requires_the_one_before(tmp_path: Path) -> None:
    register(root=write(tmp_path))
    assert requirements() == {
        "freeze": [],
        "slim": ["freeze"],
        "staticx": ["freeze"],
        "image": ["staticx"],
        "smoke": ["image"],
        "run": ["image"],
        "shell": ["image"],
        "sbom": ["image"],
        "report": ["image"],
        "push": ["image"],
        "index": [],
        "resolve": [],
    }


def test_only_the_first_step_has_an_environment_and_keeps_it(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), python="3.12")
    assert {step: each.venv_backend for step, each in sessions.items()} == dict.fromkeys(STEPS, "none")
    assert (sessions["freeze"].python, sessions["freeze"].reuse_venv) == ("3.12", True)
    assert {sessions[step].python for step in [*STEPS][1:]} == {None}


def test_the_sessions_are_tagged_and_do_not_run_by_default(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    assert {step: (each.default, each.tags) for step, each in sessions.items()} == {
        step: (False, [] if step in ON_REQUEST else ["pystatic"]) for step in STEPS
    }


def test_tags_and_default_are_the_callers_but_what_is_pushed_is_asked_for_by_name(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), default=True, tags=("ship", "slow"))
    assert {step: (each.default, each.tags) for step, each in sessions.items()} == {
        step: (False, []) if step in ON_REQUEST else (True, ["ship", "slow"]) for step in STEPS
    }


def test_every_session_says_what_it_does(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    assert [each.__doc__ for each in sessions.values()] == [
        "Freeze shop into one program.",
        "Record what shop can do without.",
        "Pack shop into one static executable.",
        "Build the container image of shop.",
        "Run the image of shop and check its contract.",
        "Run the image of shop until Ctrl-C ends it.",
        "Open a shell in a copy of the image of shop.",
        "Say what is inside the image of shop.",
        "Write the page that shows where the bytes of shop are.",
        "Push the image of shop to registries.",
        "Join archives of shop for several platforms, and push them.",
        "Print YAML with pystatic://NAME replaced by what was pushed.",
    ]


def test_a_prefix_goes_before_all_names(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), prefix="web-")
    assert list(sessions) == list(STEPS)
    assert requirements() == {
        "web-freeze": [],
        "web-slim": ["web-freeze"],
        "web-staticx": ["web-freeze"],
        "web-image": ["web-staticx"],
        "web-smoke": ["web-image"],
        "web-run": ["web-image"],
        "web-shell": ["web-image"],
        "web-sbom": ["web-image"],
        "web-report": ["web-image"],
        "web-push": ["web-image"],
        "web-index": [],
        "web-resolve": [],
    }


def test_single_sessions_may_have_other_names(tmp_path: Path) -> None:
    register(root=write(tmp_path), prefix="web-", names={"image": "build"})
    assert requirements() == {
        "web-freeze": [],
        "web-slim": ["web-freeze"],
        "web-staticx": ["web-freeze"],
        "build": ["web-staticx"],
        "web-smoke": ["build"],
        "web-run": ["build"],
        "web-shell": ["build"],
        "web-sbom": ["build"],
        "web-report": ["build"],
        "web-push": ["build"],
        "web-index": [],
        "web-resolve": [],
    }


@pytest.mark.parametrize(
    ("skip", "required"),
    [
        (["freeze"], {"staticx": [], "image": ["staticx"], "smoke": ["image"], "sbom": ["image"]}),
        (["staticx"], {"freeze": [], "image": ["freeze"], "smoke": ["image"], "sbom": ["image"]}),
        (["freeze", "staticx"], {"image": [], "smoke": ["image"], "sbom": ["image"]}),
        (["smoke"], {"freeze": [], "staticx": ["freeze"], "image": ["staticx"], "sbom": ["image"]}),
        (["freeze", "staticx", "image"], {"smoke": [], "sbom": []}),
        (STEPS, {}),
    ],
)
def test_a_skipped_step_has_no_session_and_the_chain_goes_on(
    tmp_path: Path, skip: list[str], required: dict[str, list[str]]
) -> None:
    sessions = register(root=write(tmp_path), skip=[*skip, *ON_REQUEST])
    assert requirements() == required
    assert list(sessions) == list(required)


@pytest.mark.parametrize(
    ("skip", "step", "runs"),
    [
        ([], "image", ["image"]),
        (["staticx"], "image", ["staticx", "image"]),
        (["freeze", "staticx"], "image", ["freeze", "staticx", "image"]),
        (["freeze", "image"], "smoke", ["image", "smoke"]),
        (["freeze", "image"], "staticx", ["freeze", "staticx"]),
        (["image"], "push", ["image", "push"]),
        (["freeze", "staticx", "image"], "index", ["index"]),
    ],
)
def test_the_session_after_a_skipped_step_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip: list[str], step: str, runs: list[str]
) -> None:
    ran: list[str] = []

    def noting(name: str) -> Callable[..., None]:
        return lambda _config, _context: ran.append(name)

    for each in STEPS:
        monkeypatch.setitem(STEPS, each, replace(STEPS[each], run=noting(each)))
    sessions = register(root=write(tmp_path), skip=skip)
    sessions[step](Session("--tag", "registry.example/shop:1").nox)
    assert ran == runs


def test_the_session_that_freezes_has_the_environment(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), skip=["freeze", "staticx"], python="3.12")
    assert (sessions["image"].python, sessions["image"].reuse_venv) == ("3.12", True)
    assert (sessions["smoke"].python, sessions["smoke"].reuse_venv) == (None, None)


def test_noxs_options_are_left_alone(tmp_path: Path) -> None:
    before = repr(nox.options)
    register(root=write(tmp_path), default=True)
    assert repr(nox.options) == before


def test_overrides_reach_the_configuration(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), name="other")
    assert sessions["image"].__doc__ == "Build the container image of other."


def test_the_environment_reaches_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSTATIC_TASKS_NAME", "other")
    assert register(root=write(tmp_path))["image"].__doc__ == "Build the container image of other."


# Several images.


def test_several_images_have_a_session_each_and_one_for_all(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path, TWO))
    assert requirements() == {
        "freeze-web": [],
        "freeze-worker": [],
        "slim-web": ["freeze-web"],
        "slim-worker": ["freeze-worker"],
        "staticx-web": ["freeze-web"],
        "staticx-worker": ["freeze-worker"],
        "image-web": ["staticx-web"],
        "image-worker": ["staticx-worker"],
        "smoke-web": ["image-web"],
        "smoke-worker": ["image-worker"],
        "run-web": ["image-web"],
        "run-worker": ["image-worker"],
        "shell-web": ["image-web"],
        "shell-worker": ["image-worker"],
        "sbom-web": ["image-web"],
        "sbom-worker": ["image-worker"],
        "report-web": ["image-web"],
        "report-worker": ["image-worker"],
        "push-web": ["image-web"],
        "push-worker": ["image-worker"],
        "index-web": [],
        "index-worker": [],
        "freeze": ["freeze-web", "freeze-worker"],
        "slim": ["slim-web", "slim-worker"],
        "staticx": ["staticx-web", "staticx-worker"],
        "image": ["image-web", "image-worker"],
        "smoke": ["smoke-web", "smoke-worker"],
        "run": [],
        "shell": [],
        "sbom": ["sbom-web", "sbom-worker"],
        "report": ["report-web", "report-worker"],
        "push": ["push-web", "push-worker"],
        "index": ["index-web", "index-worker"],
        "resolve": [],
    }
    assert {step: each.name for step, each in sessions.items()} == {step: step for step in STEPS}
    assert sessions["image"].__doc__ == "Run image for all images."
    assert registry.get()["image-web"].__doc__ == "Build the container image of web."


def test_the_session_for_all_does_nothing_itself(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path, TWO))
    session = Session()
    sessions["freeze"](session.nox)
    assert (sessions["freeze"].venv_backend, session.lines, session.installed) == ("none", [], [])


@pytest.mark.parametrize("step", ["run", "shell"])
def test_a_session_in_the_foreground_is_for_one_of_them(tmp_path: Path, step: str) -> None:
    sessions = register(root=write(tmp_path, TWO))
    with pytest.raises(AbortedError) as caught:
        sessions[step](Session().nox)
    assert str(caught.value) == (
        f"{step} takes one image at a time, but the project has 2.\n"
        f"Choose one: nox -s {step}-web or nox -s {step}-worker"
    )


def test_names_and_skip_hold_for_several_images_too(tmp_path: Path) -> None:
    register(root=write(tmp_path, TWO), names={"image": "build"}, skip=["freeze", "smoke", "sbom", *ON_REQUEST])
    assert requirements() == {
        "staticx-web": [],
        "staticx-worker": [],
        "build-web": ["staticx-web"],
        "build-worker": ["staticx-worker"],
        "staticx": ["staticx-web", "staticx-worker"],
        "build": ["build-web", "build-worker"],
    }


def test_a_single_image_in_a_table_needs_no_name(tmp_path: Path) -> None:
    register(root=write(tmp_path, "[tool.pystatic-tasks.images.web]\napp = 'shop:app'\n"))
    assert list(requirements()) == list(STEPS)
    assert registry.get()["image"].__doc__ == "Build the container image of web."


def test_services_of_a_monorepo_stand_side_by_side(tmp_path: Path) -> None:
    for name in ("web", "worker"):
        register(root=write(tmp_path / name), prefix=f"{name}-")
    assert {"web-image", "worker-image"} < set(requirements())


# Names that somebody else has.


def collision(step: str, name: str) -> str:
    return (
        f'The noxfile already has a session "{name}", which pystatic_tasks.register() would replace.\n'
        f'Call register(prefix="app-"), register(names={{"{step}": "app-{name}"}}) or register(skip=["{step}"]).\n'
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_session_of_the_same_name_ends_nox_with_the_ways_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    own_session(step)
    assert refused(capsys, root=write(tmp_path)) == collision(step, step)
    assert registry.get()[step].__doc__ == "Mine."


@pytest.mark.parametrize("text", [SHOP, "[tool.pystatic-tasks]\nx = 1\n"])
def test_a_collision_is_one_whatever_the_configuration_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    own_session("image")
    assert refused(capsys, root=write(tmp_path, text)) == collision("image", "image")


@pytest.mark.parametrize(
    ("way_out", "name"),
    [({"prefix": "app-"}, "app-image"), ({"names": {"image": "app-image"}}, "app-image"), ({"skip": ["image"]}, None)],
)
def test_each_way_out_works(tmp_path: Path, way_out: dict[str, Any], name: str | None) -> None:
    own_session("image")
    sessions = register(root=write(tmp_path), **way_out)
    assert registry.get()["image"].__doc__ == "Mine."
    assert (sessions["image"].name if "image" in sessions else None) == name


def test_a_session_with_the_name_of_one_of_several_images_is_a_collision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_session("image-worker")
    text = refused(capsys, root=write(tmp_path, TWO))
    assert text.startswith('The noxfile already has a session "image-worker", ')


def test_two_projects_need_two_prefixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register(root=write(tmp_path / "web"))
    assert refused(capsys, root=write(tmp_path / "worker")) == collision("freeze", "freeze")


def test_nox_ends_with_exit_code_2_on_a_collision(tmp_path: Path, run_nox: Nox) -> None:
    noxfile = NOXFILE.replace("def tests", "def image")
    result = run_nox(write(tmp_path, noxfile=noxfile), "--list")
    assert (result.returncode, result.stdout, result.stderr) == (2, "", collision("image", "image"))


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"skip": ["imag"]}, '"imag"; did you mean "image"?'),
        ({"names": {"smokes": "x"}}, '"smokes"; did you mean "smoke"?'),
        (
            {"skip": ["zzz"]},
            '"zzz"; available: freeze, image, index, push, report, resolve, run, sbom, shell, slim, smoke, staticx',
        ),
    ],
)
def test_an_unknown_step_ends_nox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], hint: str
) -> None:
    text = f"There is no step {hint}\nCorrect the call in the noxfile.\n"
    assert refused(capsys, root=write(tmp_path), **arguments) == text
    assert requirements() == {}


# A wrong configuration.


def test_a_wrong_configuration_warns_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sessions = register(root=write(tmp_path, SHOP + "x = 1\n"))
    assert list(sessions) == list(STEPS)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"{WARNING}{tmp_path / 'pyproject.toml'}")
    assert "\n" not in record.getMessage()


def test_a_wrong_override_is_a_wrong_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sessions = register(root=write(tmp_path), max_siz="9MB", skip=["smoke", "sbom", *ON_REQUEST])
    assert len(caplog.records) == 1
    with pytest.raises(AbortedError, match=r'register\(\): max-siz: unknown key; did you mean "max-size"\?'):
        sessions["freeze"](Session().nox)
    assert list(sessions) == ["freeze", "staticx", "image"]


def test_a_missing_pyproject_is_a_wrong_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sessions = register(root=tmp_path)
    assert caplog.records[0].getMessage().startswith(f"pystatic-tasks: There is no pyproject.toml in {tmp_path};")
    with pytest.raises(AbortedError) as caught:
        sessions["image"](Session().nox)
    assert str(caught.value) == (
        f"There is no pyproject.toml in {tmp_path}.\n"
        'Run pystatic init, or create one with at least [tool.pystatic-tasks] and app = "package.module:callable"'
    )


def test_a_wrong_configuration_makes_only_its_own_sessions_fail(tmp_path: Path, run_nox: Nox) -> None:
    folder = write(tmp_path, SHOP + "image.ports = [0]\n", noxfile=NOXFILE)
    result = run_nox(folder, "--no-venv", "--session", "tests", "image")
    assert result.returncode == 1
    assert result.stdout == "tests ran\n"
    assert result.stderr.count(WARNING) == 1
    assert (
        f"nox > Session image aborted: 1 problem in the configuration of {folder / 'pyproject.toml'}:\n"
        "  tool.pystatic-tasks.image.ports[0] = 0: is not a valid port; ports range from 1 to 65535\n"
        "Correct the lines above and try again.\n"
    ) in result.stderr
    assert "nox > * tests: success\nnox > * image: aborted\n" in result.stderr
    assert "Traceback" not in result.stderr


# Ways to start Nox.


@pytest.mark.parametrize(
    ("folder", "start"),
    [("elsewhere", ("-m", "nox", "-f", "../noxfile.py")), (".", ("-m", "nox")), (".", ("noxfile.py",))],
)
def test_the_root_is_the_noxfiles_folder_however_nox_is_started(
    tmp_path: Path, folder: str, start: tuple[str, ...]
) -> None:
    write(tmp_path, noxfile=NOXFILE)
    write(tmp_path / "elsewhere", SHOP.replace('"shop"', '"elsewhere"'))
    command = [sys.executable, *start, "--list"]
    result = subprocess.run(
        command, cwd=tmp_path / folder, env=variables_with(), capture_output=True, text=True, check=False, timeout=30
    )
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith(("* ", "- "))]
    assert {line.split()[1]: line.partition(" -> ")[2] for line in lines} == {
        "tests": "",
        "freeze": "Freeze shop into one program.",
        "slim": "Record what shop can do without.",
        "staticx": "Pack shop into one static executable.",
        "image": "Build the container image of shop.",
        "smoke": "Run the image of shop and check its contract.",
        "run": "Run the image of shop until Ctrl-C ends it.",
        "shell": "Open a shell in a copy of the image of shop.",
        "sbom": "Say what is inside the image of shop.",
        "report": "Write the page that shows where the bytes of shop are.",
        "push": "Push the image of shop to registries.",
        "index": "Join archives of shop for several platforms, and push them.",
        "resolve": "Print YAML with pystatic://NAME replaced by what was pushed.",
    }
    assert result.stderr == ""


def test_the_root_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop")
    monkeypatch.chdir(write(tmp_path / "elsewhere", SHOP.replace('"shop"', '"elsewhere"')))


# Calls that are two, or one.


def test_two_calls_for_different_targets_collide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path)
    register(root=root, app="one:app")
    assert refused(capsys, root=root, app="two:app") == collision("freeze", "freeze")


def test_the_same_call_twice_is_one_call_without_warnings(tmp_path: Path) -> None:
    """A noxfile may be read twice."""
    root = write(tmp_path)
    first = register(root=root)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert register(root=root) == first == registry.get()


def test_two_steps_cannot_have_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, root=write(tmp_path), names={"freeze": "x", "image": "x"})
    assert said.splitlines()[0] == (
        'The noxfile already has a session "x", which pystatic_tasks.register() would replace.'
    )


def test_one_tag_or_one_step_may_be_a_text(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path), tags="container", skip="smoke")
    assert list(sessions) == [step for step in STEPS if step != "smoke"]
    assert sessions["image"].tags == ["container"]


def test_a_root_starts_from_the_noxfiles_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "services" / "web", SHOP.replace("shop", "web"))
    write(tmp_path / "elsewhere" / "services" / "web", SHOP.replace("shop", "elsewhere"))
    monkeypatch.chdir(write(tmp_path / "elsewhere" / "repository"))
    code = "import pystatic_tasks; pystatic_tasks.register(root='../services/web')"
    exec(compile(code, tmp_path / "repository/noxfile.py", "exec"), {})
    assert registry.get()["image"].__doc__ == "Build the container image of web."
