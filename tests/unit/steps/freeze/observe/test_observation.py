from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import BECOMING_NOBODY, as_nobody, run_as_nobody

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Observe, Request, Service, Smoke
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.in_env.observe.recorder.sitecustomize import FIELD_END, RECORD_END
from pystatic_tasks.in_env.protocol import Examined, Observed, ObservedAnswer, Refusal, ToolNames
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.observe import observation
from pystatic_tasks.steps.freeze.observe.observation import (
    changes_in,
    collected_files,
    describe_exercise,
    exercise_inputs,
    merged,
    put_own_files,
    refusal_without_secrets,
    report,
    without_secrets,
)

EXAMINED = Examined(
    settings={},
    read=(),
    hidden_imports=("b",),
    data=(("/x", "x"),),
    ports=(),
    tool_modules=(),
    unused=(),
    distributions={},
    commands={},
)


def make_config(root: Path, app: str | None = "shop.web:app", **keys: Any) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app=app, install=(), **{"packer": "staticx", **keys})


def describe(config: ImageConfig, entry: str = "") -> Any:
    path = config.root / "entry.py"
    path.write_text(entry, encoding="utf-8")
    context = StepContext(say=lambda line: None, python=Path("/env/bin/python"))
    return describe_exercise(
        config, context, path, config.work / "observed", ToolNames(names=("pip",), of_groups=("pytest",))
    )


def test_an_app_is_run_by_one_worker_at_a_free_port_and_asked_all_requests(tmp_path: Path) -> None:
    smoke = Smoke(requests=(Request(path="/a", headers={"X": "1"}),))
    observe = Observe(requests=(Request(path="/b", method="POST", body="c"),))
    found = describe(make_config(tmp_path, smoke=smoke, observe=observe))
    assert found.arguments == (str(tmp_path / "entry.py"),)
    assert [(each.method, each.path, each.headers, each.body) for each in found.requests] == [
        ("GET", "/a", {"X": "1"}, None),
        ("POST", "/b", {}, "c"),
    ]
    environment = found.environment
    assert environment["WEB_CONCURRENCY"] == "1"
    assert environment["GUNICORN_CMD_ARGS"] == f"--bind 127.0.0.1:{found.port}"
    assert environment["PYSTATIC_URL"] == f"http://127.0.0.1:{found.port}"
    assert (found.module, found.server) == ("shop.web", "gunicorn")
    assert (found.tools, found.of_groups) == (("pip",), ("pytest",))


def test_the_program_gets_what_the_image_sets_and_nothing_else_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe")
    config = make_config(tmp_path, smoke=Smoke(env={"A": "smoke", "KEY": "$SHOP_KEY"}), observe=Observe(env={"A": "o"}))
    environment = describe(config).environment
    assert "SHOP_KEY" not in environment
    assert (environment["A"], environment["KEY"]) == ("o", "größe")
    assert environment["HOME"] == str(config.work / "observed/home")
    assert environment["PATH"] == f"/env/bin:{os.environ['PATH']}"
    folders = environment["PYTHONPATH"].split(":")
    assert Path(folders[0], "sitecustomize.py").exists()
    assert folders[1:] == [str(tmp_path), str(tmp_path / "src")]


def test_a_tree_has_its_temporary_files_where_the_image_has_them_if_that_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path, layout="tree")
    monkeypatch.setattr(observation, "private_memory", lambda: ("unshare",))
    assert describe(config).environment["TMPDIR"] == "/dev/shm"
    assert describe(make_config(tmp_path)).environment["TMPDIR"] == str(config.work / "observed/tmp")
    monkeypatch.setattr(observation, "private_memory", lambda: ())
    assert describe(config).environment["TMPDIR"] == str(config.work / "observed/tmp")


def test_a_script_is_run_where_it_is(tmp_path: Path) -> None:
    config = make_config(tmp_path, app=None, script="bin/tool.py", smoke=Smoke(command=("-v",), port=8080))
    found = describe(config)
    assert found.arguments == (str(tmp_path / "bin/tool.py"), "-v")
    assert (found.port, len(found.requests), found.module, found.server) == (8080, 1, "", "")
    assert found.loose[0] == str(tmp_path / "bin")


def test_a_command_without_a_port_is_asked_nothing(tmp_path: Path) -> None:
    config = make_config(tmp_path, app=None, command="tool", smoke=Smoke(stdout="done", exit_code=3))
    found = describe(config, "import sys\n\nfrom tool.cli import main\n")
    assert (found.port, found.requests, found.text, found.exit_code) == (0, (), "done", 3)
    assert found.module == "tool.cli"


def test_what_was_seen_is_added_to_what_was_found() -> None:
    observed = Observed(modules=("a", "b"), data=(("/y", "y"), ("/x", "x")))
    both = merged(EXAMINED, observed)
    assert both.hidden_imports == ("a", "b")
    assert both.data == (("/x", "x"), ("/y", "y"))
    assert replace(both, hidden_imports=("b",), data=(("/x", "x"),)) == EXAMINED


def test_plugins_that_only_the_tests_loaded_are_dropped() -> None:
    examined = replace(
        EXAMINED,
        hidden_imports=("depx", "pytest_covx.plugin"),
        data=(("/s/depx-1.dist-info/METADATA", "depx-1.dist-info"), ("/s/METADATA", "pytest_covx-1.dist-info")),
    )
    both = merged(examined, Observed(of_tests=("pytest_covx", "pytest_covx-1.dist-info")))
    assert both == replace(EXAMINED, hidden_imports=("depx",), data=examined.data[:1])


def test_what_a_person_should_know_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    observed = Observed(
        problem="it ended with exit code 1: no database",
        system_files=(("/etc/mime.types", "media-types"),),
        programs=("git",),
    )
    report(make_config(tmp_path), StepContext(say=said.append), observed)
    assert said == [
        "not fully observed: it ended with exit code 1: no database (build/pystatic/shop/observed.log)",
        "taken from this machine: /etc/mime.types, of its package media-types",
        'the program starts "git", which is not in the image',
    ]
    report(make_config(tmp_path), StepContext(say=said.append), Observed())
    assert len(said) == 3


def test_a_volume_that_is_not_on_this_machine_is_named_where_the_program_failed(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "there").mkdir()
    volumes = ("/pystatic-volume", str(tmp_path / "there"))
    config = make_config(tmp_path, image=ImageOptions(volumes=volumes))
    report(config, StepContext(say=said.append), Observed(problem="it ended with exit code 1: no database"))
    assert said[1:] == [
        "  image.volumes names /pystatic-volume, which is not on this machine: "
        "set in observe.env where the program writes while it is observed"
    ]
    report(config, StepContext(say=said.append), Observed())
    assert len(said) == 2


def test_many_files_of_one_folder_are_named_by_that(tmp_path: Path) -> None:
    said: list[str] = []
    fonts = tuple((f"/usr/share/fonts/{number}.ttf", "fonts-x") for number in range(5))
    few = tuple((f"/usr/share/x/{number}", "y") for number in range(2))
    report(make_config(tmp_path), StepContext(say=said.append), Observed(system_files=(*fonts, *few)))
    assert said == [
        "taken from this machine: 5 files in /usr/share/fonts, of its package fonts-x",
        "taken from this machine: /usr/share/x/0, of its package y",
        "taken from this machine: /usr/share/x/1, of its package y",
    ]


def test_the_callers_values_are_hidden_in_what_a_refusal_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe-of-it")
    config = make_config(tmp_path, smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    refusal = Refusal(problem="größe-of-it is wrong:", details=("KeyError: größe-of-it",), remedy="Correct it.")
    assert refusal_without_secrets(config, refusal) == Refusal(
        problem="*** is wrong:", details=("KeyError: ***",), remedy="Correct it."
    )


def test_files_of_the_image_are_in_the_current_folder_while_it_is_observed(tmp_path: Path) -> None:
    for name in ("docs/index.md", "docs/more/a.md", "mkdocs.yml", "other.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "docs/gone.md").symlink_to("nowhere")
    files = {"/docs/index.md": "other.md", "/docs": "docs", "/mkdocs.yml": "mkdocs.yml", "/missing": "missing"}
    files["/etc/shop.md"] = "other.md"
    config = make_config(tmp_path, image=ImageOptions(files=files))
    there = tmp_path / "cwd"
    put_own_files(config, there)
    found = {str(path.relative_to(there)): path.read_text() for path in there.rglob("*") if path.is_file()}
    assert found == {"docs/index.md": "other.md", "docs/more/a.md": "docs/more/a.md", "mkdocs.yml": "mkdocs.yml"}


def test_a_changed_file_of_the_image_is_observed_anew(tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: Notes")
    config = make_config(tmp_path, image=ImageOptions(files={"/mkdocs.yml": "mkdocs.yml"}))
    before = exercise_inputs(config)
    assert exercise_inputs(config) == before
    (tmp_path / "mkdocs.yml").write_text("site_name: Other notes")
    assert exercise_inputs(config) != before


def test_words_of_the_callers_values_are_not_kept_of_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "Größe<horse\nbattery-7/staple")
    config = make_config(tmp_path, smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    found = ("GRÖSSE", "größe", "Horse", "nbattery", "batter", "staple", "shop", "house")
    answer = ObservedAnswer(request="GET /", status=200, type="text/plain", words=found)
    assert without_secrets(config, Observed(answers=(answer,))).answers[0].words == ("shop", "house")


def test_the_callers_values_are_hidden_in_paths_of_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "sesame")
    config = make_config(tmp_path, smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    answer = ObservedAnswer(request="GET /", status=200, type="text/html", parts=(("/a.js?key=sesame", 200),))
    assert without_secrets(config, Observed(answers=(answer,))).answers[0].parts == (("/a.js?key=***", 200),)


def test_the_callers_values_are_hidden_in_names_of_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "sesame")
    config = make_config(tmp_path, smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    assert without_secrets(config, Observed(programs=("dot", "open-sesame"))).programs == ("dot", "open-***")


def test_a_variable_that_is_not_there_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(ConfigError, match="the variable SHOP_KEY is not set"):
        exercise_inputs(make_config(tmp_path, smoke=Smoke(env={"KEY": "$SHOP_KEY"})))


def test_what_decides_an_observation(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    same = exercise_inputs(config)
    judged_otherwise = Smoke(requests=(Request(status=404, text="x"),))
    assert exercise_inputs(replace(config, smoke=judged_otherwise)) == same
    for smoke in (
        Smoke(requests=(Request(path="/x"),)),
        Smoke(command=("x",)),
        Smoke(env={"A": "1"}),
        Smoke(timeout=99),
    ):
        assert exercise_inputs(replace(config, smoke=smoke)) != same
    service = Service(name="cache", command=("redis-server",), port=6379)
    assert exercise_inputs(replace(config, services=(service,))) != same
    for observe in (Observe(requests=(Request(),)), Observe(command=("x",)), Observe(env={"A": "1"})):
        assert exercise_inputs(replace(config, observe=observe)) != same


@pytest.mark.parametrize(
    ("data", "collected"),
    [
        ([("/w/static/admin/css/base.css", "site/staticfiles/admin/css")], ("/w/static", "site/staticfiles")),
        ([("/s/x.txt", "x"), ("/w/static/robots.txt", "staticfiles")], ("/w/static", "staticfiles")),
        ([("/s/x.txt", "x")], ()),
    ],
)
def test_static_files_lie_where_the_program_has_them(data: list[tuple[str, str]], collected: tuple[str, ...]) -> None:
    assert collected_files(data, Path("/w/static")) == collected


OF_USER = f"""
import os, sys
from pathlib import Path
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.protocol import Examined, Observed, ToolNames
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.observe import observation
import pystatic_tasks.in_image.servers.gunicorn

{BECOMING_NOBODY}
root = Path(sys.argv[1], "shop")
(root / "build").mkdir(parents=True)
entry = root / "build/entry.py"
entry.touch()
config = ImageConfig(root=root, project=root, name="shop", app="shop:app", install=(), packer="staticx")
context = StepContext(say=print, python=Path("/env/bin/python"))
examined = Examined(settings=dict(), read=(), hidden_imports=(), data=(), ports=(), tool_modules=(), unused=(),
                    distributions=dict(), commands=dict())

def ask(*_, **__):
    locked = config.work / "observed/home/locked"
    (locked / "inner").mkdir(parents=True)
    (locked / "inner/secret").touch()
    locked.chmod(0)
    return 0, Observed()

observation.ask = ask
for _ in range(2):
    observation.observe(config, context, entry, examined, ToolNames(names=(), of_groups=()), set().update)
    print(os.listdir(config.work / "observed"))
"""


@as_nobody
def test_what_the_program_locks_up_is_gone_afterwards() -> None:
    assert run_as_nobody(OF_USER) == "[]\n[]\n"


def test_what_the_program_wrote_is_told_by_its_records(tmp_path: Path) -> None:
    assert changes_in(tmp_path / "records") == set()
    (tmp_path / "records").mkdir()
    kinds = {"changed": "/srv/a.json", "written": "/srv/app.db", "file": "/srv/b.json"}
    text = "".join(f"{kind}{FIELD_END}{path}{RECORD_END}" for kind, path in kinds.items())
    (tmp_path / "records/1").write_text(text, encoding="utf-8")
    assert changes_in(tmp_path / "records") == {"/srv/a.json", "/srv/app.db"}
