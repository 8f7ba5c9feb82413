from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, TextIO, cast

import nox
import pytest
from forked import Forked
from nox import registry
from support import without_times

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.options import parse_options
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.fronts import platforms
from pystatic_tasks.fronts import sessions as module
from pystatic_tasks.fronts.sessions import make_context, only_installs, print_result, register, run_step
from pystatic_tasks.steps.table import STEPS, steps_before

ON_REQUEST = [name for name, step in STEPS.items() if step.on_request]

SHOP = '[project]\nname = "shop"\n[tool.pystatic-tasks]\napp = "shop:app"\n'
TWO = """
[tool.pystatic-tasks.images.web]
app = "shop:app"
[tool.pystatic-tasks.images.worker]
script = "worker.py"
"""
NOXFILE = """
import nox
import pystatic_tasks

@nox.session(venv_backend="none")
def tests(session):
    print("tests ran")

pystatic_tasks.register()

if __name__ == "__main__":
    nox.main()
"""
WARNING = "pystatic-tasks: 1 problem in the configuration of "


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty registry of sessions, and no configuration in the environment."""
    for name in [name for name in os.environ if name.startswith(("PYSTATIC_TASKS_", "NOX"))]:
        monkeypatch.delenv(name)
    saved = registry.get()
    registry._REGISTRY.clear()
    yield
    registry._REGISTRY.clear()
    registry._REGISTRY.update(saved)


def write(folder: Path, text: str = SHOP, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder


Nox = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_nox(python: Forked) -> Nox:
    """Runs Nox in a folder, with these words and variables."""

    def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return python.run("nox", *arguments, cwd=folder, env=variables_with(**variables))

    return run


def variables_with(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    return {**kept, "NO_COLOR": "1", **variables}


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Words that tell Nox where environments are: one and the same for every session that needs one."""
    folder = tmp_path_factory.mktemp("environments")
    venv.create(folder / "made", symlinks=True)
    for session in ("freeze", "web-freeze", "freeze-worker", "smoke", "run"):
        (folder / session).symlink_to("made")
    return ("--default-venv-backend", "venv", "--envdir", str(folder))


def own_session(name: str) -> None:
    """A session of the user's under that name."""

    def run(session: nox.Session) -> None:
        """Mine."""

    nox.session(name=name)(run)


def requirements() -> dict[str, list[str]]:
    """The registered sessions, with what each requires."""
    return {name: each.requires for name, each in registry.get().items()}


def refused(capsys: pytest.CaptureFixture[str], **arguments: Any) -> str:
    """What is printed when `register()` ends Nox."""
    with pytest.raises(SystemExit) as caught:
        register(**arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


class AbortedError(Exception):
    """What the sessions below raise where Nox's own would end."""


class Virtualenv:
    """The environment of a session, which counts how often it was made."""

    reuse_existing = True
    made_anew = 0
    _reused = True

    def create(self) -> None:
        self.made_anew += not self.reuse_existing


class Session:
    """A running session that writes down what is asked of Nox."""

    def __init__(self, *posargs: str, venv_backend: str = "virtualenv", answer: object = "") -> None:
        self.posargs = posargs
        self.venv_backend = venv_backend
        self.bin = "/environment/bin"
        self.python: str | None = None
        self.lines: list[str] = []
        self.installed: list[tuple[tuple[str, ...], bool]] = []
        self.variables: Mapping[str, str] = {}
        self.virtualenv = Virtualenv()
        self.answer = answer
        self._runner = SimpleNamespace(
            name="freeze",
            func=SimpleNamespace(venv_backend=venv_backend),
            global_config=SimpleNamespace(no_install=False, color=False, force_venv_backend=None),
            manifest=SimpleNamespace(list_all_sessions=list),
        )

    def log(self, line: str) -> None:
        self.lines.append(line)

    def error(self, text: str) -> NoReturn:
        raise AbortedError(text)

    def install(
        self, *arguments: str, env: Mapping[str, str], silent: bool = True, stdout: TextIO | None = None
    ) -> None:
        # Nox refuses both and, unless it is told otherwise, is silent.
        assert silent is (stdout is None)
        if stdout:
            print("Looking in indexes: https://me:secret@index.example/simple", file=stdout)
        assert Path(env["DIST_EXTRA_CONFIG"]).is_file()
        self.variables = env
        self.installed.append((arguments, silent))

    def run(self, *_: str, **__: object) -> object:
        return self.answer

    @property
    def nox(self) -> nox.Session:
        return cast("nox.Session", self)


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
        "Write down what shop can do without.",
        "Make one static executable of shop.",
        "Write the container image of shop.",
        "Run the image of shop and hold it to its contract.",
        "Run the image of shop until Ctrl-C ends it.",
        "Open a shell in a copy of the image of shop.",
        "Say what is inside the image of shop.",
        "Write the page that tells where the bytes of shop are.",
        "Push the image of shop to registries.",
        "Join archives of shop for several platforms, and push them.",
        "Print YAML with what was pushed in place of pystatic://NAME.",
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
    sessions[step](Session().nox)
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
    assert sessions["image"].__doc__ == "Write the container image of other."


def test_the_environment_reaches_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSTATIC_TASKS_NAME", "other")
    assert register(root=write(tmp_path))["image"].__doc__ == "Write the container image of other."


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
    assert registry.get()["image-web"].__doc__ == "Write the container image of web."


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
        f"{step} is for one image at a time, and the project has 2.\n"
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
    assert registry.get()["image"].__doc__ == "Write the container image of web."


def test_services_of_a_monorepo_stand_side_by_side(tmp_path: Path) -> None:
    for name in ("web", "worker"):
        register(root=write(tmp_path / name), prefix=f"{name}-")
    assert {"web-image", "worker-image"} < set(requirements())


# Names that somebody else has.


def collision(step: str, name: str) -> str:
    return (
        f'The noxfile has a session "{name}" already, which pystatic_tasks.register() would replace.\n'
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
    assert text.startswith('The noxfile has a session "image-worker" already, ')


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
            '"zzz"; known are freeze, image, index, push, report, resolve, run, sbom, shell, slim, smoke, staticx',
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
        'Create one with at least [tool.pystatic-tasks] and app = "package.module:callable"'
    )


def test_a_wrong_configuration_makes_only_its_own_sessions_fail(tmp_path: Path, run_nox: Nox) -> None:
    folder = write(tmp_path, SHOP + "image.ports = [0]\n", noxfile=NOXFILE)
    result = run_nox(folder, "--no-venv", "--session", "tests", "image")
    assert result.returncode == 1
    assert result.stdout == "tests ran\n"
    assert result.stderr.count(WARNING) == 1
    assert (
        f"nox > Session image aborted: 1 problem in the configuration of {folder / 'pyproject.toml'}:\n"
        "  tool.pystatic-tasks.image.ports[0] = 0: is not a port; ports go from 1 to 65535\n"
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
        "slim": "Write down what shop can do without.",
        "staticx": "Make one static executable of shop.",
        "image": "Write the container image of shop.",
        "smoke": "Run the image of shop and hold it to its contract.",
        "run": "Run the image of shop until Ctrl-C ends it.",
        "shell": "Open a shell in a copy of the image of shop.",
        "sbom": "Say what is inside the image of shop.",
        "report": "Write the page that tells where the bytes of shop are.",
        "push": "Push the image of shop to registries.",
        "index": "Join archives of shop for several platforms, and push them.",
        "resolve": "Print YAML with what was pushed in place of pystatic://NAME.",
    }
    assert result.stderr == ""


def test_the_root_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop")
    monkeypatch.chdir(write(tmp_path / "elsewhere", SHOP.replace('"shop"', '"elsewhere"')))
    exec(compile("import pystatic_tasks; pystatic_tasks.register()", tmp_path / "shop/noxfile.py", "exec"), {})
    assert registry.get()["image"].__doc__ == "Write the container image of shop."


# What a session does when it runs.


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
            'After --: unknown word "x".\nKnown are --tag TAG, --layout LAYOUT, --engine ENGINE, '
            "--in PLACE, --platform PLATFORM, --archive FILE, --filename FILE, --recursive, --no-cache, --no-observe, "
            "--fix, --format FORMAT, --check-reproducible, --env NAME[=VALUE], --publish [HOST:]PORT, --open, "
            "--watch, --verbose, --json; one more -- goes before what is for the program",
        ),
        (
            ["--tag"],
            "After --: argument --tag: expected one argument.\nKnown are --tag TAG, --layout LAYOUT, "
            "--engine ENGINE, --in PLACE, --platform PLATFORM, --archive FILE, --filename FILE, --recursive, "
            "--no-cache, --no-observe, "
            "--fix, --format FORMAT, --check-reproducible, --env NAME[=VALUE], --publish [HOST:]PORT, --open, "
            "--watch, --verbose, --json; one more -- goes before what is for the program",
        ),
        (
            ["--platform", "linux/s390x"],
            "--platform linux/s390x: this machine builds linux/arm64 only.\n"
            "Run it on a machine of that platform, or in a container of it: --in docker or --in podman",
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


@pytest.mark.parametrize(("text", "words", "code"), [(SHOP, ["x"], "2"), (SHOP + "x = 1", [], "2"), (SHOP, [], "1")])
def test_the_kind_of_the_failure_is_left_for_whoever_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: list[str], code: str
) -> None:
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    sessions = register(root=write(tmp_path / "shop", text))
    with pytest.raises(AbortedError):
        sessions["smoke"](Session(*words).nox)
    assert (tmp_path / "code").read_text(encoding="utf-8") == code


def test_a_step_that_lacks_the_one_before_ends_the_session_with_a_message(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    with pytest.raises(AbortedError) as caught:
        sessions["staticx"](Session().nox)
    assert str(caught.value) == (
        f"What freeze leaves for shop is not in {tmp_path}/build/pystatic/shop.\n"
        "Run the freeze session first (it runs by itself unless Nox was told --no-dependencies)"
    )


def test_the_layout_may_be_chosen_for_one_run(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    session = Session("--layout", "tree")
    sessions["staticx"](session.nox)
    assert session.lines == ["the tree layout has no static executable"]


def test_the_configuration_is_read_anew_when_the_session_runs(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    write(tmp_path, SHOP + "name = 'other'\n")
    with pytest.raises(AbortedError, match=r"^What freeze leaves for other is not in "):
        sessions["staticx"](Session().nox)


def test_each_image_is_built_by_its_own_session(tmp_path: Path) -> None:
    register(root=write(tmp_path, TWO))
    with pytest.raises(AbortedError, match=r"^What freeze leaves for worker is not in "):
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


def test_a_session_that_may_only_install_runs_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(module, "prepare", lambda image, _: prepared.append(image.name))
    session = Session(answer=None)
    assert only_installs(session.nox)
    assert not only_installs(Session().nox)
    sessions = register(root=write(tmp_path))
    sessions["staticx"](session.nox)
    assert prepared == []
    sessions["freeze"](session.nox)
    assert prepared == ["shop"]


# What is done once for the whole project.

# Steps that only write down that they were run, and what push leaves.
NOTING = """
import json
import sys
from dataclasses import replace
import nox
import pystatic_tasks
from pystatic_tasks.steps.table import STEPS

def noting(step):
    def run(config, context):
        print("ran", step, config.name, file=sys.stderr)
        print("hint", step, context.command("push"), file=sys.stderr)
        if (step, config.name) == ("image", "worker"):
            raise pystatic_tasks.PystaticError("worker is broken.", "Mend it.")
        config.dist.mkdir(parents=True, exist_ok=True)
        references = [f"registry.example/{config.name}@sha256:1"]
        content = {"digest": "sha256:1", "references": references}
        (config.dist / f"{step}.json").write_text(json.dumps(content))
    return run

for name in [name for name, step in STEPS.items() if not step.is_for_project]:
    STEPS[name] = replace(STEPS[name], run=noting(name), needs_environment=False)
"""
TO_PUSH = ["freeze web", "staticx web", "image web", "push web"]


def project(folder: Path, *lines: str, image: str = "web") -> Path:
    """A project of two images, and YAML that names one."""
    write(folder, TWO, noxfile="\n".join([NOTING, *lines]))
    (folder / "k8s.yaml").write_text(f"image: pystatic://{image} # ours\n", encoding="utf-8")
    return folder


def noted(result: subprocess.CompletedProcess[str], what: str = "ran") -> list[str]:
    return [line.partition(" ")[2] for line in result.stderr.splitlines() if line.startswith(f"{what} ")]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "skip=['image']",
        "skip=['staticx', 'push'], prefix='x-'",
        "skip=[step for step in STEPS if step != 'resolve']",
    ],
)
def test_resolve_runs_what_its_images_need_and_prints_nothing_else(
    tmp_path: Path, run_nox: Nox, arguments: str
) -> None:
    folder = project(tmp_path, f"pystatic_tasks.register({arguments})")
    session = "x-resolve" if "prefix" in arguments else "resolve"
    result = run_nox(folder, "-s", session, "--", "-f", "k8s.yaml", "--no-cache")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:1 # ours\n"), result.stderr
    assert noted(result) == TO_PUSH
    assert f"nox > Session {session} was successful" in result.stderr


def test_no_step_before_resolve_tells_what_is_done_next(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert noted(result, "hint") == ["freeze ", "staticx ", "image ", "push nox -s push-web"]


def test_what_ran_before_resolve_is_not_run_again(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "smoke-web", "resolve", "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:1 # ours\n"), result.stderr
    assert noted(result) == [*("freeze web", "staticx web", "image web", "smoke web", "push web")]


def test_what_is_asked_for_beside_resolve_is_printed_as_ever(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "resolve", "push-web", "--", "-f", "k8s.yaml")
    reference = "registry.example/web@sha256:1"
    assert (result.returncode, result.stdout) == (0, f"image: {reference} # ours\n{reference}\n"), result.stderr


REPAIR = """
from pystatic_tasks.errors import Repair, SmokeError

def smoke(config, context):
    noting("smoke")(config, context)
    if not config.freeze.hidden_imports:
        raise SmokeError("It broke.", repairs=[Repair(table="freeze", key="hidden-imports", value=("x",))])

STEPS["smoke"] = replace(STEPS["smoke"], run=smoke)
pystatic_tasks.register()
"""


def test_what_is_built_again_after_a_repair_prints_nothing(tmp_path: Path, run_nox: Nox) -> None:
    result = run_nox(project(tmp_path, REPAIR), "-s", "smoke-web", "--", "--fix", "--json")
    assert result.returncode == 0, result.stderr
    assert result.stdout == '{"digest": "sha256:1", "references": ["registry.example/web@sha256:1"]}\n'
    assert noted(result) == ["freeze web", "staticx web", "image web", "smoke web"] * 2


def test_an_image_that_cannot_be_built_ends_resolve(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()", image="worker")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (1, "")
    assert noted(result) == ["freeze worker", "staticx worker", "image worker"]
    assert "nox > Session image-worker aborted: worker is broken.\nMend it.\n" in result.stderr
    assert (
        "nox > Session resolve aborted: worker is needed, and image-worker failed.\nSee what it said above"
    ) in result.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--no-dependencies", "-s", "resolve"), "pystatic_tasks.register()"),
        (
            ("-s", "deploy"),
            "nox.session(venv_backend='none', name='deploy')(lambda s: pystatic_tasks.run_step(s, 'resolve'))",
        ),
    ],
)
def test_where_nothing_is_to_run_before_what_was_pushed_is_taken(
    tmp_path: Path, run_nox: Nox, arguments: tuple[str, ...], line: str
) -> None:
    folder = project(tmp_path, line)
    result = run_nox(folder, *arguments, "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout, noted(result)) == (1, "", [])
    assert "aborted: web was not pushed.\nPush it: nox -s push.\n" in result.stderr
    (folder / "dist/pystatic/web").mkdir(parents=True)
    left = '{"digest": "sha256:2", "references": ["registry.example/web@sha256:2"]}'
    (folder / "dist/pystatic/web/push.json").write_text(left, encoding="utf-8")
    result = run_nox(folder, *arguments, "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:2 # ours\n"), result.stderr


def test_resolve_has_no_manifest_to_print(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    with pytest.raises(AbortedError) as caught:
        sessions["resolve"](Session("--json", "-f", "k8s.yaml").nox)
    assert str(caught.value) == "resolve leaves no manifest that --json could print.\nLeave --json out"


# run_step()


def test_a_step_runs_in_a_session_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(AbortedError, match=r"^What freeze leaves for other is not in "):
        run_step(Session().nox, "staticx", root=write(tmp_path), name="other")


def test_an_unknown_step_ends_the_session(tmp_path: Path) -> None:
    with pytest.raises(AbortedError) as caught:
        run_step(Session().nox, "imag", root=write(tmp_path))
    assert str(caught.value) == 'There is no step "imag"; did you mean "image"?\nCorrect the call in the noxfile'


@pytest.mark.parametrize(
    ("name", "hint"),
    [("wep", 'did you mean "web"?'), ("", "known are web, worker"), ("zzz", "known are web, worker")],
)
def test_an_image_that_is_not_there_ends_the_session(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(AbortedError) as caught:
        run_step(Session().nox, "staticx", root=write(tmp_path, TWO), image=name)
    assert str(caught.value) == f'There is no image "{name}"; {hint}\nName one of them'


def test_a_step_takes_its_root_from_the_calling_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop")
    monkeypatch.chdir(write(tmp_path / "elsewhere", SHOP.replace('"shop"', '"elsewhere"')))
    code = compile("run_step(session, 'staticx')", tmp_path / "shop/noxfile.py", "exec")
    with pytest.raises(AbortedError, match=r"^What freeze leaves for shop is not in "):
        exec(code, {"run_step": run_step, "session": Session().nox})


def test_an_image_is_picked_by_its_name(tmp_path: Path) -> None:
    images = load_config(write(tmp_path, TWO))
    assert [pick_image(images, name).name for name in ("web", "worker")] == ["web", "worker"]
    assert pick_image(images[:1], "") is images[0]
    with pytest.raises(ConfigError) as caught:
        pick_image(images[:1], "worker")
    assert str(caught.value) == 'There is no image "worker"; known are web\nName one of them.'


# The context that a step sees.


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    (image,) = load_config(write(tmp_path))
    return image


@pytest.mark.parametrize(("words", "silent"), [([], True), (["--verbose"], False)])
def test_the_host_installs_through_nox_and_shows_what_is_asked_for(
    image: ImageConfig, words: list[str], silent: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session()
    context = make_context(session.nox, image, parse_options(words))
    context.install(["falcon", "gunicorn"])
    context.say("done")
    assert (session.installed, session.lines) == ([(("falcon", "gunicorn"), silent)], ["done"])
    assert (context.verbose, context.use_cache, context.python) == (not silent, True, Path("/environment/bin/python"))
    shown = "" if silent else "Looking in indexes: https://***@index.example/simple\n"
    assert capsys.readouterr() == ("", shown)


def test_the_context_makes_the_environment_anew_though_nox_would_keep_it(image: ImageConfig) -> None:
    session = Session()
    make_context(session.nox, image, parse_options([])).recreate()
    assert session.virtualenv.made_anew == 1


def test_uv_is_told_that_the_project_may_have_changed(image: ImageConfig) -> None:
    session = Session(venv_backend="uv")
    make_context(session.nox, image, parse_options([])).install(["."])
    make_context(session.nox, replace(image, project_name=""), parse_options([])).install(["x"])
    assert session.installed == [((".", "--reinstall-package", "shop"), True), (("x",), True)]


def test_without_an_environment_the_host_has_noxs_own_interpreter(image: ImageConfig) -> None:
    context = make_context(Session(venv_backend="none").nox, image, parse_options(["--no-cache"]))
    assert (context.python, context.use_cache) == (Path(sys.executable), False)


def test_the_host_knows_what_the_environment_is_made_from(image: ImageConfig) -> None:
    session = Session()
    own = f"{sys.base_prefix} {platform.python_version()}"
    assert make_context(session.nox, image, parse_options([])).wanted_python == own
    session.python = "3.12"
    assert make_context(session.nox, image, parse_options([])).wanted_python == "3.12"


# What must not go unnoticed.


def test_two_calls_for_different_targets_collide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path)
    register(root=root, app="one:app")
    assert refused(capsys, root=root, app="two:app") == collision("freeze", "freeze")


def test_the_same_call_twice_is_harmless_since_a_noxfile_may_be_read_twice(tmp_path: Path) -> None:
    root = write(tmp_path)
    register(root=root)
    with pytest.warns(FutureWarning, match="already been registered"):
        again = register(root=root)
    assert again == registry.get()
    assert list(again) == list(STEPS)


def test_two_steps_cannot_have_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, root=write(tmp_path), names={"freeze": "x", "image": "x"})
    assert said.splitlines()[0] == (
        'The noxfile has a session "x" already, which pystatic_tasks.register() would replace.'
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
    assert registry.get()["image"].__doc__ == "Write the container image of web."


def test_without_an_environment_nothing_is_installed_into_noxs_own(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    session = Session(venv_backend="none")
    with pytest.raises(AbortedError) as caught:
        sessions["freeze"](session.nox)
    assert str(caught.value) == (
        "The session needs an environment of its own to build in, and Nox was told to make none.\n"
        "Run it without --no-venv"
    )
    assert session.installed == []


def test_nox_refuses_to_build_without_an_environment(tmp_path: Path, run_nox: Nox) -> None:
    result = run_nox(write(tmp_path, noxfile=NOXFILE), "--no-venv", "--session", "freeze")
    assert result.returncode == 1
    assert (
        "nox > Session freeze aborted: "
        "The session needs an environment of its own to build in, and Nox was told to make none.\n"
        "Run it without --no-venv.\n"
    ) in result.stderr


MISSING = 'There is no Python "3.77" here to build shop with.\nInstall it, or correct tool.pystatic-tasks.python.\n'


def test_an_interpreter_that_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, run_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_DOWNLOAD_PYTHON", "never")
    monkeypatch.setenv("PYSTATIC_EXIT_CODE", str(tmp_path / "code"))
    folder = write(tmp_path / "shop", SHOP + 'python = "3.77"\n', noxfile=NOXFILE)
    result = run_nox(folder, "--session", "image")
    assert result.returncode == 1
    assert f"nox > Session freeze aborted: {MISSING}" in without_times(result.stderr)
    assert "Run the freeze session first" not in result.stderr
    assert (tmp_path / "code").read_text(encoding="utf-8") == "3"


# What makes the environment.

ASKING = """
import nox
import pystatic_tasks
from pystatic_tasks.fronts import sessions

def run(config, context):
    context.say(f"made by {session_of[0].venv_backend}")

session_of = []
make = sessions.make_environment

def making(session, config):
    # The environment itself costs a second.
    session._runner._create_venv = lambda: setattr(session._runner, "venv", Made(session._runner))
    session_of.append(session)
    make(session, config)

class Made:
    bin_paths = ["/nowhere"]
    def __init__(self, runner):
        self.venv_backend = "|".join(nox.sessions.resolve_venv_backends(runner.global_config, runner.func))
        self.env = {}

sessions.make_environment = making
sessions.only_installs = lambda session: False
sessions.STEPS["freeze"] = sessions.replace(sessions.STEPS["freeze"], run=run)
OPTIONS
pystatic_tasks.register()
LATER
"""


@pytest.mark.parametrize(
    ("arguments", "options", "later", "variables", "backend"),
    [
        ((), "", "", {}, "uv|virtualenv"),
        (("-db", "virtualenv"), "", "", {}, "virtualenv"),
        (("--default-venv-backend=venv",), "", "", {}, "venv"),
        ((), 'nox.options.default_venv_backend = "virtualenv"', "", {}, "virtualenv"),
        ((), "", 'nox.options.default_venv_backend = "virtualenv"', {}, "virtualenv"),
        ((), "", "", {"NOX_DEFAULT_VENV_BACKEND": "virtualenv"}, "virtualenv"),
        ((), "", "", {"PIP_REQUIRE_HASHES": "1"}, "virtualenv"),
        (("-db", "uv"), "", "", {"PIP_REQUIRE_HASHES": "1"}, "uv"),
    ],
)
def test_uv_makes_the_environment_unless_the_user_or_pip_says_otherwise(
    tmp_path: Path,
    run_nox: Nox,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    options: str,
    later: str,
    variables: Mapping[str, str],
    backend: str,
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, **variables}.items():
        monkeypatch.setenv(name, value)
    noxfile = ASKING.replace("OPTIONS", options).replace("LATER", later)
    result = run_nox(write(tmp_path, noxfile=noxfile), *arguments, "--session", "freeze")
    assert f"made by {backend}\n" in result.stderr
    assert "uv binary not found" not in result.stderr


@pytest.mark.parametrize(
    ("own_choice", "expected"),
    [(True, {"UV_INDEX": "https://index", "UV_INDEX_STRATEGY": "unsafe-best-match"}), (False, {})],
)
def test_uv_is_told_what_pip_was_told_unless_the_user_chose_it(
    image: ImageConfig, monkeypatch: pytest.MonkeyPatch, own_choice: bool, expected: Mapping[str, str]
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://index")
    session = Session(venv_backend="uv")
    func = register(root=image.root)["freeze"]
    func.venv_backend = "uv|virtualenv" if own_choice else "uv"
    session._runner.func = func
    make_context(session.nox, image, parse_options([])).install(["falcon"])
    assert {name: value for name, value in session.variables.items() if name.startswith("UV_")} == expected
    assert session.variables["PIP_COMPILE"] == "0"


@pytest.mark.parametrize(
    ("no_install", "reused", "installs"), [(False, True, True), (True, True, False), (True, False, True)]
)
def test_with_no_install_only_a_new_environment_is_filled(
    image: ImageConfig, no_install: bool, reused: bool, installs: bool
) -> None:
    session = Session()
    session._runner.global_config.no_install = no_install
    session.virtualenv._reused = reused
    assert make_context(session.nox, image, parse_options([])).installs is installs


# --fix.

FIXING = """
import os
from dataclasses import replace

import nox
import pystatic_tasks
from pystatic_tasks.fronts import sessions
from pystatic_tasks.errors import FreezeError, Repair, SmokeError

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


sessions.STEPS.update({name: replace(each, run=step(name)) for name, each in sessions.STEPS.items()})


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
    text = 'Session smoke aborted: shop was repaired by tool.pystatic-tasks.freeze.hidden-imports = ["a"] in '
    assert "Session freeze aborted: It does not freeze." in lines
    assert f"{text}pyproject.toml, and freeze failed after that." in lines
    assert steps_of(lines) == [*ALL_STEPS[:4], f'{WROTE}["a"]', ALL_STEPS[4]]


@pytest.mark.parametrize("arguments", [["--no-dependencies", "-s", "smoke"], ["-s", "own"]])
def test_where_nothing_can_be_run_again_it_is_said(tmp_path: Path, fix: Lines, arguments: list[str]) -> None:
    lines = fix(tmp_path, *arguments, ok=False)
    name = arguments[-1]
    place = lines.index(
        f"Session {name} aborted: shop broke its contract, and what may repair it is in pyproject.toml now: "
        'tool.pystatic-tasks.freeze.hidden-imports = ["a"].'
    )
    assert lines[place + 1] == f"Freeze it again, then run the session {name} again."


@pytest.mark.parametrize(
    ("register", "variable"),
    [("freeze={'hidden_imports': ['x']}", {}), ("", {"PYSTATIC_TASKS_FREEZE_HIDDEN_IMPORTS": "x"})],
)
def test_what_is_overridden_ends_it(tmp_path: Path, fix: Lines, register: str, variable: dict[str, str]) -> None:
    lines = fix(tmp_path, "-s", "smoke", register=register, ok=False, **variable)
    place = lines.index(
        f"Session smoke aborted: freeze.hidden-imports is in {tmp_path}/pyproject.toml now, and the call in the "
        "noxfile or the variable PYSTATIC_TASKS_FREEZE_HIDDEN_IMPORTS overrides it."
    )
    assert lines[place + 1] == "Leave it out there, or write it there too."
    assert len([line for line in lines if line.startswith("smoke of")]) == 1


# --watch.

WATCHING = """
import os
from dataclasses import replace
from pathlib import Path

import nox
import pystatic_tasks
from pystatic_tasks.fronts import sessions
from pystatic_tasks.errors import FreezeError, PystaticError


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


sessions.STEPS.update({name: replace(each, run=step(name)) for name, each in sessions.STEPS.items()})


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
    assert [line for line in lines if " of " in line or line.startswith(("runs", "broken"))] == [
        *(f"{step} of shop anew" for step in [*BUILDING, "run"]),
        "freeze of broken",
        f"broken could not be built: {freeze} failed.",
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
        f"Session {name} aborted: --watch builds by the sessions before {name}: "
        "there are none here, or Nox was told to run none."
    )
    assert lines[place + 1] == "Run a session of register() without --no-dependencies, or leave out --watch."


# Two builds at once.

SLOW = """
import os
import time
from dataclasses import replace
from pathlib import Path

import pystatic_tasks
from pystatic_tasks.fronts import sessions


def step(name):
    def run(image, context):
        with open("ran", "a") as file:
            print(os.environ["BUILD"], name, file=file)
        while name == "freeze" and os.environ["BUILD"] == "first" and not Path("go").exists():
            time.sleep(0.01)

    return run


sessions.STEPS.update({name: replace(each, run=step(name)) for name, each in sessions.STEPS.items()})
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


# In a container.

IN_DOCKER = SHOP + 'python = "3.12"\nbuild.place = "docker"\n'


@pytest.mark.parametrize(
    ("text", "typed"), [(IN_DOCKER, ["nox"]), (SHOP, ["nox", "-s", "image", "--", "--in", "docker"])]
)
def test_what_is_frozen_in_a_container_needs_no_environment_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, typed: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", typed)
    assert register(root=write(tmp_path, text))["freeze"].venv_backend == "none"


def test_freeze_is_done_in_the_container_and_pack_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sessions = register(root=write(tmp_path, IN_DOCKER), max_size="9MB")
    sessions["staticx"](Session(venv_backend="none").nox)
    with pytest.raises(AbortedError) as caught:
        sessions["freeze"](Session("--platform", "linux/s390x", venv_backend="none").nox)
    assert str(caught.value).startswith("The program is to be frozen in a container of docker, which does not work")


BOTH = ("--in", "docker", "--platform", "linux/amd64,linux/arm64")


@pytest.mark.parametrize("step", ["slim", "run"])
def test_some_steps_are_for_one_platform(tmp_path: Path, step: str) -> None:
    with pytest.raises(AbortedError) as caught:
        register(root=write(tmp_path))[step](Session(*BOTH).nox)
    assert str(caught.value) == (
        f"{step} is for one platform at a time, and 2 are asked for.\n"
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
    monkeypatch.setattr(platforms, "join", lambda *_: None)
    sessions["smoke"](Session(*BOTH, "--json").nox)
    assert capsys.readouterr().out == '{"path": "linux/arm64/smoke.json"}\n{"path": "linux/amd64/smoke.json"}\n'
    sessions["image"](Session(*BOTH, "--json").nox)
    assert capsys.readouterr().out == '{"path": "index.json"}\n'
    assert asked == ["linux/arm64", "linux/amd64"] * 2


@pytest.mark.parametrize("words", [BOTH[2:], ("--in", "here", *BOTH[2:])])
def test_this_machine_alone_builds_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    sessions = register(root=write(tmp_path))
    for step in ("image", "resolve"):
        with pytest.raises(AbortedError) as caught:
            sessions[step](Session(*words).nox)
        assert str(caught.value) == (
            "--platform linux/amd64,linux/arm64: this machine builds linux/amd64 only.\n"
            "Run it on a machine of that platform, or in a container of it: --in docker or --in podman"
        )


def test_a_second_build_is_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(AbortedError) as caught:
        register(root=write(tmp_path))["image"](Session("--in", "podman", "--check-reproducible").nox)
    assert str(caught.value) == (
        "--check-reproducible builds on this machine, and shop is frozen in a container of podman.\n"
        "Leave out one of the two: --in here freezes on this machine"
    )
