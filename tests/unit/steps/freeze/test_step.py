from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support import COMPONENTS, install_distribution, tool_or_skip

from pystatic_tasks.config.model import Freeze, ImageConfig, ImageOptions, Layout, Observe, Service, Smoke, Staticx
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.in_env.observe.recorder.sitecustomize import FIELD_END, RECORD_END
from pystatic_tasks.in_env.protocol import Component, Exercise, Observed
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.web.client import free_port, is_taken
from pystatic_tasks.steps import build_environment
from pystatic_tasks.steps.build_environment import tools
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze import program
from pystatic_tasks.steps.freeze.inputs import PACKAGE, made_by, own_components
from pystatic_tasks.steps.freeze.install import project_files
from pystatic_tasks.steps.freeze.install.environment import HALF_FILLED, read_marker
from pystatic_tasks.steps.freeze.install.interpreter import check_interpreter
from pystatic_tasks.steps.freeze.install.project_files import editable_sources
from pystatic_tasks.steps.freeze.observe import examination, observation
from pystatic_tasks.steps.freeze.program import FOLDERS
from pystatic_tasks.steps.freeze.step import freeze, say_what_is_left_out
from pystatic_tasks.steps.manifest import require_manifest
from pystatic_tasks.steps.results import Frozen, Interpreter
from pystatic_tasks.steps.secrets.written import remembered
from pystatic_tasks.system.files import fingerprint
from pystatic_tasks.system.machine import host_platform

PYTHON = """\
#!/bin/sh
# Answers whatever it is asked for with what is prepared, and writes down what it was asked.
folder={folder}
case "$*" in
    *probe*) cp "$folder/probe.json" "$5" ;;
    *"boot.py tools "*) cp "$4" "$5" ;;
    *"boot.py observe.exercise "*)
        cp "$4" "$folder/exercise.asked.json"
        [ ! -f "$folder/observing" ] || . "$folder/observing"
        cp "$folder/observed.json" "$5"
        ;;
    *examine.target*)
        cp "$4" "$folder/target.asked.json"
        echo "importing größe"
        [ ! -f "$folder/writes" ] || sh "$folder/writes"
        [ ! -f "$folder/target.json" ] || cp "$folder/target.json" "$5"
        ;;
    *PyInstaller*)
        cp "${{12}}" "$folder/program.asked.json"
        env > "$folder/variables"
        echo run >> "$folder/runs"
        [ ! -f "$folder/meanwhile" ] || . "$folder/meanwhile"
        mkdir -p "$7"
        cp -a "$folder/made/." "$7"
        echo "ERROR: größe"
        cp "$folder/result.json" "${{13}}"
        exit "$(cat "$folder/code")"
        ;;
esac
"""
LEFT_OUT = "left out: state.json, which the program itself wrote; to include a file, list it in freeze.data"
CONTENTS = [
    {"name": "libcrypto.so.3", "kind": "binary", "size_bytes": 4_712_000},
    {"name": "falcon", "kind": "bytecode", "size_bytes": 250_000},
]
EXAMINED = {
    "static_folders": ["/srv/static"],
    "settings": {"worker_class": "asgi"},
    "read": [],
    "hidden_imports": ["gunicorn.glogging"],
    "data": [["/env/shop/page.html", "shop"]],
    "ports": [8000],
    "tool_modules": ["PyInstaller", "wheel"],
    "unused": [],
    "distributions": {"falcon": "4.4.0"},
    "commands": {"falcon-inspect-app": "falcon.cmd.inspect_app:main"},
}
FOUND: dict[str, Any] = {
    **{"sources": [], "data": [], "missing": [], "files": []},
    **{
        "own_packages": ["shop"],
        "optional": ["email.parser"],
        "components": [to_json(each) for each in COMPONENTS],
        "tools": {"strip": "GNU strip 2.40"},
    },
}
FILES = [
    {"path": "/opt/libx.so", "owner": "third-party"},
    {"path": "/opt/x.libs/libx.so", "owner": "third-party"},
    {"path": "/lib/libc.so.6", "owner": "libc"},
    {"path": "/shop", "owner": "third-party"},
]


@dataclass
class Environment:
    """A build environment whose Python gives prepared answers."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def host(self) -> StepContext:
        return StepContext(say=self.said.append, python=self.root / "bin" / "python", install=lambda requirements: None)

    def prepare(self, name: str, answer: Mapping[str, Any]) -> None:
        (self.root / name).write_text(json.dumps(answer), encoding="utf-8")

    def asked(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.root / f"{name}.asked.json").read_text(encoding="utf-8"))
        return content

    def does(self, commands: str) -> None:
        """Let something happen while it freezes; files are stamped by a clock that goes in steps."""
        (self.root / "meanwhile").write_text(f"sleep 0.02\n{commands}", encoding="utf-8")

    def observes(self, commands: str) -> None:
        """Let something happen while the program is observed."""
        (self.root / "observing").write_text(commands, encoding="utf-8")

    def runs(self) -> int:
        """How often it froze anything."""
        runs = self.root / "runs"
        return len(runs.read_text(encoding="utf-8").split()) if runs.exists() else 0

    def writes(self, path: Path) -> None:
        """Let the import of the target write a file."""
        (self.root / "writes").write_text(f"echo x > '{path}'\n", encoding="utf-8")

    def makes(self, path: str, content: bytes) -> None:
        """Let it leave that file in its results."""
        file = self.root / "made" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def finds(self, contents: Sequence[Mapping[str, Any]] = CONTENTS, **result: Any) -> None:
        self.prepare("result.json", {**FOUND, "contents": contents, **result})


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    for tool in ("strip", "objcopy", "ldd"):
        tool_or_skip(tool)
    root = tmp_path / "environment"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python").write_text(PYTHON.format(folder=root), encoding="utf-8")
    (root / "bin" / "python").chmod(0o755)
    (root / "code").write_text("0", encoding="utf-8")
    found = Environment(root)
    found.prepare("probe.json", {"version": "3.12.4", "base_prefix": "/opt", "libpython": "/x.so", "debian": True})
    found.prepare("target.json", EXAMINED)
    found.prepare("observed.json", to_json(Observed()))
    found.makes("shop", b"p" * 20_000)
    found.finds()
    return found


@pytest.fixture
def tree(environment: Environment) -> Environment:
    """The same, making trees."""
    (environment.root / "made" / "shop").unlink()
    for file in FILES:
        environment.makes(f"shop{file['path']}", b"p" * 10_000)
    link = environment.root / "made/shop/opt/libx.so"
    link.unlink()
    link.symlink_to("x.libs/libx.so")
    environment.finds(files=FILES)
    return environment


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageConfig:
    """An image of a small project outside of any repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tmp_path / "shop"
    for path, text in (("pyproject.toml", '[project]\nname = "shop"\n'), ("shop.py", "app = print\n")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return ImageConfig(root=root, project=root, project_name="shop", name="shop", app="shop:app", packer="staticx")


def as_tree(image: ImageConfig) -> ImageConfig:
    return replace(image, layout="tree")


# What is left.


def test_one_program_is_left_with_what_the_next_steps_want_to_know(environment: Environment, shop: ImageConfig) -> None:
    frozen = freeze(shop, environment.host)
    program = shop.work / "frozen" / "shop"
    manifest = require_manifest(shop, Frozen)
    assert manifest.result == frozen
    assert list(manifest.outputs) == [str(program)]
    assert program.stat().st_size == 20_000
    assert to_json(frozen) == {
        "program": str(program),
        "files": [],
        "interpreter": {"version": "3.12.4", "base_prefix": "/opt", "libpython": "/x.so", "import_path": []},
        "environment_python": str(environment.host.python),
        "settings": {"worker_class": "asgi"},
        "ports": [8000],
        "distributions": {"falcon": "4.4.0"},
        "data": [["/env/shop/page.html", "shop"]],
        "contents": CONTENTS,
        "own_packages": ["shop"],
        "components": [to_json(each) for each in COMPONENTS],
        "tools": {"strip": "GNU strip 2.40"},
        "static_folders": ["/srv/static"],
        "libraries": [],
        "system_files": [],
        "answers": [],
        "errors": [],
        "sources": [f"{shop.root}{name}" for name in ("", "/gunicorn.conf.py", "/pyproject.toml", "/pystatic.lock")],
        "uses": [],
        "not_observed": "",
        "optional": ["email.parser"],
        "placed": [],
        "compressed_alone": [],
        "imported_by": {},
        "linked_by": {},
        "system": {"/env/shop/page.html": [-1, -1, 0]},
        "platform": host_platform(),
        "system_copy": None,
    }
    (line,) = environment.said
    assert line.startswith("build/pystatic/shop/frozen/shop: 0.02 MB uncompressed, in ")


def test_a_tree_is_left_as_its_files_with_their_owners(tree: Environment, shop: ImageConfig) -> None:
    frozen = freeze(as_tree(shop), tree.host)
    program = shop.work / "tree" / "shop"
    manifest = require_manifest(as_tree(shop), Frozen)
    assert list(manifest.outputs) == [f"{program}{file['path']}" for file in FILES]
    assert (frozen.program, [to_json(file) for file in frozen.files]) == (program, FILES)
    # What a link leads to counts once.
    assert tree.said[0].startswith("build/pystatic/shop/tree/shop: 0.03 MB uncompressed, in ")


def test_each_layout_has_its_own_folder(tree: Environment, shop: ImageConfig) -> None:
    assert set(FOLDERS) == {"archive", "tree"}
    freeze(as_tree(shop), tree.host)
    assert not (shop.work / "frozen").exists()


@pytest.mark.parametrize("path", ["libpython3.12.so.1.0", "lib/libpython3.12.so.1.0", "usr/local/bin/python3.12"])
def test_a_large_python_is_told(environment: Environment, shop: ImageConfig, path: str) -> None:
    environment.finds([{"name": path, "kind": "binary", "size_bytes": 24_500_000}])
    freeze(shop, environment.host)
    assert environment.said[0] == (
        f"{Path(path).name} alone is 24.50 MB, as is usual for python-build-standalone; "
        "a distribution's or pyenv's Python makes a smaller image"
    )


# What the tools are asked.


def test_the_program_is_made_as_it_is_configured(environment: Environment, shop: ImageConfig) -> None:
    image = replace(
        shop,
        freeze=Freeze(hidden_imports=("shop.plugins",), excludes=("tkinter",), data=("shop.py:a",), collect=("x",)),
        staticx=Staticx(libraries=("/bin/sh",)),
        image=ImageOptions(env={"SHOP_LEAN": "1"}),
        observe=Observe(env={"SHOP_KEY": "abc"}),
    )
    freeze(image, environment.host)
    work = shop.work / "program"
    asked = environment.asked("program")
    assert asked.pop("import_paths")[0] == str(work)
    assert asked.pop("made_by") == [*made_by(), fingerprint([tools(), {"SHOP_LEAN": "1", "SHOP_KEY": "abc"}])]
    assert asked.pop("editable") == editable_sources(environment.host.python)
    assert asked == {
        "name": "shop",
        "form": "archive",
        "is_packed": True,
        "work": str(work),
        "kept": f"{shop.work}/kept/archive",
        "loose": [],
        "entry": f"{work}/shop-entry.py",
        "is_script": False,
        "title": "shop-entry.py",
        "hidden_imports": ["gunicorn.glogging", "shop.plugins"],
        "excludes": ["tkinter", "PyInstaller", "wheel"],
        "data": [["/env/shop/page.html", "shop"], [f"{shop.root}/shop.py", "a"]],
        "collect": ["x"],
        "hooks": [f"{PACKAGE}/hooks/always"],
        "libraries": ["/bin/sh"],
        "left_out": [],
        "tls": True,
        "own": to_json(own_components(image)),
        "optimize": 2,
        "strip": True,
    }


def test_what_nobody_brought_is_the_projects_and_the_server_is_ours(shop: ImageConfig) -> None:
    own = own_components(shop)
    assert own.project == Component(kind="project", type="generic", name="shop", version="")
    assert (own.runner.name, own.runner.licenses) == ("pystatic-tasks", ("MIT",))
    assert own.folder == str(shop.root)


def test_a_project_is_described_by_its_table(shop: ImageConfig) -> None:
    text = '[project]\nname = "shop"\nlicense = "MIT"\nauthors = [{ name = "Ada", email = "ada@x.org" }]\n'
    (shop.root / "pyproject.toml").write_text(text, encoding="utf-8")
    project = own_components(shop).project
    assert (project.licenses, project.supplier) == (("MIT",), "Ada <ada@x.org>")


def test_credentials_in_what_a_project_says_of_itself_are_hidden(shop: ImageConfig) -> None:
    address = "https://me:sesame@host.example/"
    text = f"[project]\nname = 'shop'\nlicense = '{address}'\nauthors = [{{ name = '{address}' }}]\n"
    (shop.root / "pyproject.toml").write_text(text, encoding="utf-8")
    project = own_components(shop).project
    assert (project.licenses, project.supplier) == (("https://***@host.example/",), "https://***@host.example/")


def test_a_project_without_a_name_has_the_images(shop: ImageConfig) -> None:
    (shop.root / "pyproject.toml").write_text("", encoding="utf-8")
    assert own_components(replace(shop, name="web")).project.name == "web"


def test_tracebacks_call_a_script_as_the_project_does(environment: Environment, shop: ImageConfig) -> None:
    (shop.root / "jobs").mkdir()
    (shop.root / "jobs/run.py").touch()
    freeze(replace(shop, app=None, script="jobs/run.py"), environment.host)
    assert environment.asked("program")["title"] == "jobs/run.py"


def test_the_layout_is_handed_on(tree: Environment, shop: ImageConfig) -> None:
    freeze(as_tree(shop), tree.host)
    assert tree.asked("program")["form"] == "tree"


def test_hooks_are_those_for_what_the_program_has_no_use_for(environment: Environment, shop: ImageConfig) -> None:
    environment.prepare("target.json", {**EXAMINED, "unused": ["archives", "http2"]})
    freeze(shop, environment.host)
    hooks = [f"{PACKAGE}/hooks/{part}" for part in ("always", "without-archives", "without-http2")]
    assert environment.asked("program")["hooks"] == hooks
    assert all(any(Path(folder).glob("hook-*.py")) for folder in hooks)


def test_a_tool_that_is_imported_by_name_is_not_left_out(environment: Environment, shop: ImageConfig) -> None:
    freeze(replace(shop, freeze=Freeze(hidden_imports=("wheel.metadata",))), environment.host)
    assert environment.asked("program")["excludes"] == ["PyInstaller"]


def test_the_target_is_imported_as_the_image_will(environment: Environment, shop: ImageConfig) -> None:
    image = replace(shop, server={"workers": 3}, image=ImageOptions(env={"A": "1"}), freeze=Freeze(collect=("x",)))
    freeze(image, environment.host)
    asked = environment.asked("target")
    assert "pyinstaller" in asked.pop("tools")
    assert asked.pop("sources")
    assert asked == {
        "app": "shop:app",
        "server": "gunicorn",
        "settings": {"workers": 3},
        "server_config": "",
        "import_paths": [f"{shop.work}/program"],
        "loose": [],
        "static": f"{shop.work}/program/static",
        "hidden_imports": [],
        "collect": ["x"],
        "metadata": [],
        "project": str(shop.project),
        "env": {"A": "1"},
    }


def test_the_projects_code_and_settings_are_looked_through(environment: Environment, shop: ImageConfig) -> None:
    names = ("src/größe.py", "logging.yaml", "setup.cfg", "notes.md", "image.png", "build/old.py", ".venv/x.py")
    for name in names:
        (shop.root / name).parent.mkdir(exist_ok=True)
        (shop.root / name).touch()
    freeze(shop, environment.host)
    *found, declared = environment.asked("target")["sources"]
    assert {str(Path(path).relative_to(shop.root)) for path in found} == {
        *("shop.py", "src/größe.py", "logging.yaml", "setup.cfg")
    }
    assert declared == f"{shop.work}/program/declared.json"


def test_of_pyproject_toml_what_the_program_follows_from_is_looked_through(
    environment: Environment, shop: ImageConfig
) -> None:
    text = """
[tool.pystatic-tasks]
server.logger_class = "größe.Logger"
image.env = { HANDLER = "QueueHandler" }
image.labels = { note = "zipfile" }

[tool.x]
since = 2020-01-01
"""
    (shop.root / "pyproject.toml").write_text(text, encoding="utf-8")
    options = ImageOptions(env={"HANDLER": "QueueHandler"}, labels={"note": "zipfile"})
    asked = replace(shop, server={"logger_class": "größe.Logger"}, image=options, freeze=Freeze(collect=("x",)))
    freeze(asked, environment.host)
    content = json.loads(Path(environment.asked("target")["sources"][-1]).read_text(encoding="utf-8"))
    server, frozen, env, tables = content
    assert (server, env) == ({"logger_class": "größe.Logger"}, {"HANDLER": "QueueHandler"})
    assert frozen["collect"] == ["x"]
    assert tables == {"tool": {"x": {"since": "2020-01-01"}}}


def test_the_same_code_is_the_same_program(environment: Environment, shop: ImageConfig) -> None:
    freeze(shop, environment.host)
    variables = (environment.root / "variables").read_text(encoding="utf-8").splitlines()
    assert {
        "PYTHONHASHSEED=0",
        "PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0",
        "PYTHONNODEBUGRANGES=1",
        f"PYINSTALLER_CONFIG_DIR={shop.work}/cache",
    } <= set(variables)
    (path,) = (line for line in variables if line.startswith("PATH="))
    assert path.startswith(f"PATH={environment.root}/bin:")


def test_pyinstaller_finds_nothing_in_its_home_folder_and_leaves_nothing_there(
    environment: Environment, shop: ImageConfig
) -> None:
    environment.does('echo x > "$HOME/cache"; ls -A "$HOME" > "$folder/home"')
    for number in range(2):
        (shop.root / "shop.py").write_text(f"app = {number}\n", encoding="utf-8")
        freeze(shop, environment.host)
    variables = (environment.root / "variables").read_text(encoding="utf-8").splitlines()
    assert f"HOME={shop.work}/home" in variables
    assert environment.runs() == 2
    assert (environment.root / "home").read_text(encoding="utf-8") == "cache\n"
    assert not (shop.work / "home").exists()


# When nothing is done again.


def test_a_program_of_the_same_inputs_is_not_made_again(environment: Environment, shop: ImageConfig) -> None:
    first = freeze(shop, environment.host)
    environment.said.clear()
    assert freeze(shop, environment.host) == first
    assert environment.runs() == 1
    assert environment.said == ["build environment is up to date", "build/pystatic/shop/frozen/shop is up to date"]
    freeze(shop, replace(environment.host, use_cache=False, recreate=lambda: None))
    assert environment.runs() == 2


OF_THE_IMAGE_ALONE = ImageOptions(
    compression="zstd",
    tags=("1.4",),
    user="1:1",
    labels={"a": "b"},
    ports=(80,),
    timezones=True,
    files={"/etc/x": "x"},
    volumes=("/data",),
    healthcheck="/",
)


@pytest.mark.parametrize("install", [(".",), ()])
def test_what_only_the_image_follows_from_freezes_nothing_anew(
    environment: Environment, shop: ImageConfig, install: tuple[str, ...]
) -> None:
    shop = replace(shop, install=install)
    pyproject = shop.root / "pyproject.toml"
    before = pyproject.read_text(encoding="utf-8")
    first = freeze(shop, environment.host)
    environment.said.clear()
    pyproject.write_text(f"{before}\n[tool.pystatic-tasks]\nimage.labels.a = 'b'\n", encoding="utf-8")
    assert freeze(replace(shop, image=OF_THE_IMAGE_ALONE), environment.host) == first
    assert environment.said == ["build environment is up to date", "build/pystatic/shop/frozen/shop is up to date"]
    freeze(replace(shop, image=ImageOptions(env={"A": "1"})), environment.host)
    assert environment.runs() == 2


def test_a_pyproject_toml_that_is_data_counts_as_it_is(environment: Environment, shop: ImageConfig) -> None:
    pyproject = shop.root / "pyproject.toml"
    environment.prepare("target.json", {**EXAMINED, "data": [[str(pyproject), "shop"]]})
    freeze(shop, environment.host)
    with pyproject.open("a", encoding="utf-8") as stream:
        stream.write("\n[tool.pystatic-tasks]\nimage.labels.a = 'b'\n")
    freeze(shop, environment.host)
    assert environment.runs() == 2


@pytest.mark.parametrize(("commands", "runs"), [("", 1), ("touch -d @1 {path}", 2)])
@pytest.mark.parametrize("seconds", [-10, 10])
def test_what_changes_while_it_is_frozen_is_frozen_again(
    environment: Environment, shop: ImageConfig, tmp_path: Path, seconds: float, commands: str, runs: int
) -> None:
    rates = tmp_path / "rates.csv"
    rates.touch()
    moment = time.time() + seconds
    os.utime(rates, (moment, moment))
    environment.prepare("target.json", {**EXAMINED, "read": [str(rates)]})
    environment.does(commands.format(path=rates))
    freeze(shop, environment.host)
    environment.does("")
    for _ in range(2):
        freeze(shop, environment.host)
        assert environment.runs() == runs


@pytest.mark.parametrize("reader", ["target.json", "observed.json"])
@pytest.mark.parametrize(
    "commands",
    [
        "rm current/rates.csv",
        "rm -r current/plugins",
        "ln -s two new; mv -T new current",
        "rm current; mv two current",
    ],
)
def test_what_another_takes_the_place_of_while_it_is_frozen_is_frozen_again(
    environment: Environment, shop: ImageConfig, tmp_path: Path, reader: str, commands: str
) -> None:
    for version in ("one", "two"):
        (tmp_path / version / "plugins").mkdir(parents=True)
        (tmp_path / version / "rates.csv").write_text("1", encoding="utf-8")
        os.utime(tmp_path / version / "rates.csv", (1, 1))
    (tmp_path / "current").symlink_to("one")
    paths = tuple(str(tmp_path / "current" / name) for name in ("rates.csv", "plugins"))
    content = {**EXAMINED, "read": paths} if reader == "target.json" else to_json(Observed(read=paths))
    environment.prepare(reader, content)
    time.sleep(0.02)
    environment.does(f"(cd {tmp_path}; {commands})")
    freeze(shop, environment.host)
    environment.does("")
    for _ in range(2):
        freeze(shop, environment.host)
        assert environment.runs() == 2


def test_what_the_program_and_its_services_remove_is_not_taken_for_changed(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    file = tmp_path / "state"
    environment.prepare("target.json", {**EXAMINED, "read": [str(file)]})
    environment.writes(file)
    environment.observes(f"rm '{file}'")
    for _ in range(2):
        freeze(shop, environment.host)
    assert environment.runs() == 1


@pytest.mark.parametrize(
    ("commands", "is_kept"),
    [("", True), ("echo 1 > one/rates.py", False), ("ln -s two new; mv -T new current", False)],
)
def test_no_analysis_is_kept_of_a_source_that_changed_meanwhile(
    environment: Environment, shop: ImageConfig, tmp_path: Path, commands: str, is_kept: bool
) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "rates.py").touch()
    (tmp_path / "current").symlink_to("one")
    module = str(tmp_path / "current/rates.py")
    kept = shop.work / "kept/archive/analysis.json"
    environment.prepare("observed.json", to_json(Observed(read=(module,))))
    environment.finds(sources=["", module])
    environment.does(f"(cd {tmp_path}; {commands}\n mkdir -p {kept.parent}; touch {kept})")
    freeze(shop, environment.host)
    assert kept.exists() is is_kept


TO_AND_FRO = "mv {path} {path}.aside; echo another > {path}; rm {path}; mv {path}.aside {path}"
COME_AND_GONE = "touch {path}.py; rm {path}.py"


@pytest.mark.parametrize(
    ("options", "name", "commands"),
    [
        ({"install": ()}, "shop.py", TO_AND_FRO),
        ({"install": ()}, "shop.py", COME_AND_GONE),
        ({}, "shop.py", TO_AND_FRO),
        ({}, "data/x.txt", TO_AND_FRO),
        ({}, "data/x.txt", COME_AND_GONE),
        ({}, "pyproject.toml", TO_AND_FRO),
        ({}, "gunicorn.conf.py", TO_AND_FRO),
        ({"freeze": Freeze(data=("data:data",))}, "data/x.txt", TO_AND_FRO),
        ({"freeze": Freeze(data=("data:data",))}, "data/x.txt", COME_AND_GONE),
        ({"observe": Observe(command=("data/x.txt",))}, "data/x.txt", TO_AND_FRO),
    ],
)
def test_what_changes_while_it_is_frozen_and_changes_back_is_frozen_again(
    environment: Environment, shop: ImageConfig, options: dict[str, Any], name: str, commands: str
) -> None:
    (shop.root / "data").mkdir()
    for each in ("data/x.txt", "gunicorn.conf.py"):
        (shop.root / each).touch()
    shop = replace(shop, **options)
    environment.does(commands.format(path=shop.root / name))
    freeze(shop, environment.host)
    environment.does("")
    for _ in range(2):
        freeze(shop, environment.host)
        assert environment.runs() == 2


@pytest.mark.parametrize("install", [(), (".",), ("./backend",)])
def test_a_file_of_the_project_counts_though_no_installer_takes_it(
    environment: Environment, shop: ImageConfig, install: tuple[str, ...]
) -> None:
    """Code may ask whether it is there before anything opens it."""
    image = replace(shop, install=install)
    (shop.root / "backend").mkdir()
    freeze(image, environment.host)
    (shop.root / "backend/.env").write_text("BACKEND=csv", encoding="utf-8")
    freeze(image, environment.host)
    assert environment.runs() == 2


def test_a_build_with_nothing_new_hashes_what_is_installed_once(
    environment: Environment, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(shop, environment.host)
    hashed = []
    hash_built = project_files.hash_built

    def note(folder: Path, *, whole: bool = False) -> str:
        hashed.append(folder)
        return hash_built(folder, whole=whole)

    with monkeypatch.context() as patched:
        patched.setattr(project_files, "hash_built", note)
        freeze(shop, environment.host)
    assert hashed == [shop.root]
    assert environment.runs() == 1


@pytest.mark.parametrize(("earlier", "runs"), [(False, 2), (True, 3)])
def test_what_changes_while_the_interpreter_is_asked_counts_though_it_changes_back(
    environment: Environment, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch, *, earlier: bool, runs: int
) -> None:
    """It counts whether it was installed then or earlier, in which case only the program may have seen it."""
    if earlier:
        freeze(replace(shop, freeze=Freeze(optimize=1)), environment.host)
    source = shop.root / "shop.py"
    before = source.read_bytes()

    def change(*arguments: Any) -> Interpreter:
        time.sleep(0.02)
        source.write_bytes(b"another")
        return check_interpreter(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr("pystatic_tasks.steps.freeze.step.check_interpreter", change)
        freeze(shop, environment.host)
    source.write_bytes(before)
    environment.said.clear()
    freeze(shop, environment.host)
    assert ("build environment is up to date" in environment.said) is earlier
    assert environment.runs() == runs


def test_what_the_program_writes_each_time_is_frozen_once_more(environment: Environment, shop: ImageConfig) -> None:
    shop = replace(shop, install=())
    environment.does(f"echo 1 > {shop.root}/.coverage")
    for runs in (1, 2, 2):
        freeze(shop, environment.host)
        assert environment.runs() == runs


def test_the_callers_values_are_in_no_path_that_is_kept(
    environment: Environment, shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "sesame//open\nand more of it")
    monkeypatch.setenv("SETTINGS", f"{tmp_path}/settings")
    shop = replace(shop, smoke=Smoke(env={"KEY": "$TOKEN", "SETTINGS": "$SETTINGS"}))
    (tmp_path / "settings").mkdir()
    settings = tmp_path / "settings/a.toml"
    settings.touch()
    os.utime(settings, (1, 1))
    opened = [str(settings), "/cwd/sesame/open\nand more of it", "/cwd/and more of it", "/cwd/else"]
    environment.prepare("target.json", {**EXAMINED, "read": opened})
    for _ in range(2):
        kept = freeze(shop, environment.host).system
        assert {"${SETTINGS}/a.toml", "/cwd/${TOKEN}", "/cwd/else"} <= kept.keys()
        written = b"".join(path.read_bytes() for path in shop.work.rglob("*") if path.is_file())
        assert b"and more of it" not in written
        assert b"settings/a.toml" not in written
    assert environment.runs() == 1
    settings.write_text("changed", encoding="utf-8")
    freeze(shop, environment.host)
    assert environment.runs() == 2


def test_what_could_not_be_observed_whole_is_frozen_again_the_next_time(
    environment: Environment, shop: ImageConfig
) -> None:
    environment.prepare("observed.json", to_json(Observed(problem="port 8000 is in use here")))
    for runs in (1, 2):
        freeze(shop, environment.host)
        assert environment.runs() == runs
    environment.prepare("observed.json", to_json(Observed()))
    for _ in range(2):
        freeze(shop, environment.host)
        assert environment.runs() == 3


@pytest.mark.parametrize("is_ended", [True, False])
def test_what_the_program_made_is_known_though_its_observation_is_ended_or_gives_no_answer(
    environment: Environment, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch, is_ended: bool
) -> None:
    image = replace(shop, install=(), packer="staticx", smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    monkeypatch.setenv("SHOP_KEY", "open-sesame-1")
    made = shop.root / "state.json"

    def ask(python: Path, module: Any, exercise: Exercise, **options: Any) -> tuple[int, None]:
        made.touch()
        records = Path(exercise.records)
        records.mkdir()
        (records / "1").write_text(f"changed{FIELD_END}{made}{RECORD_END}", encoding="utf-8")
        if is_ended:
            raise KeyboardInterrupt
        return 1, None

    monkeypatch.setattr(observation, "ask", ask)
    with contextlib.suppress(KeyboardInterrupt):
        freeze(image, environment.host)
    assert remembered(image).is_made(made)
    assert not (image.work / "observed/records").exists()


def test_names_of_what_is_left_out_are_shown_in_one_line(environment: Environment, shop: ImageConfig) -> None:
    say_what_is_left_out(shop, environment.host, [("/srv/a\n\x1b[2Jb.json", "state")])
    assert environment.said == [LEFT_OUT.replace("state.json", "state/a\\n\\x1b[2Jb.json")]


def test_what_the_program_made_is_left_out_now_and_later_and_what_it_wrote_over_is_refused(
    environment: Environment, shop: ImageConfig
) -> None:
    image = replace(shop, install=(), packer="staticx")
    there = shop.root / "page.html"
    there.touch()
    os.utime(there, (1, 1))
    made = shop.root / "state.json"
    data = [[str(each), "."] for each in (made, there)]
    environment.prepare("target.json", {**EXAMINED, "data": data, "changed": [str(made)]})
    environment.writes(made)
    freeze(image, environment.host)
    assert LEFT_OUT in environment.said
    assert environment.asked("program")["data"] == data[1:]
    environment.said.clear()
    environment.prepare("target.json", {**EXAMINED, "data": data})
    freeze(image, environment.host)
    assert LEFT_OUT in environment.said
    environment.prepare("target.json", {**EXAMINED, "data": data, "changed": [str(there)]})
    environment.writes(there)
    (shop.root / "other.html").touch()
    with pytest.raises(ConfigError) as error:
        freeze(image, environment.host)
    assert error.value.details == ("page.html: the program itself wrote it while it was imported or observed",)


def test_what_the_program_wrote_over_among_the_packages_is_installed_anew(
    environment: Environment, shop: ImageConfig
) -> None:
    site = environment.root / "lib/python3.12/site-packages"
    install_distribution(site, "shop", "shop/config.js", origin=shop.root.as_uri())
    path = site / "shop/config.js"
    data = [[str(path), "shop"]]
    environment.prepare("target.json", {**EXAMINED, "data": data, "changed": [str(path)]})
    environment.writes(path)
    for _ in range(2):
        with pytest.raises(ConfigError) as error:
            freeze(shop, replace(environment.host, recreate=lambda: None))
        assert error.value.details == ("shop/config.js: the program itself wrote it while it was imported or observed",)
        assert read_marker(environment.host.python) == HALF_FILLED
    environment.prepare("target.json", {**EXAMINED, "data": data})
    (environment.root / "writes").unlink()
    path.write_text("as it was installed", encoding="utf-8")
    freeze(shop, replace(environment.host, recreate=lambda: None))
    assert environment.asked("program")["data"] == data


def test_what_is_refused_beside_what_the_program_wrote_over_installs_nothing_anew(
    environment: Environment, shop: ImageConfig
) -> None:
    site = environment.root / "lib/python3.12/site-packages"
    install_distribution(site, "shop", "shop/config.js", "shop/.env", origin=shop.root.as_uri())
    path = site / "shop/config.js"
    data = [[str(site / "shop/.env"), "shop"]]
    environment.prepare("target.json", {**EXAMINED, "data": data, "changed": [str(path)]})
    environment.writes(path)
    with pytest.raises(ConfigError) as error:
        freeze(shop, replace(environment.host, recreate=lambda: None))
    assert [detail.partition(":")[0] for detail in error.value.details] == ["shop/.env"]
    assert read_marker(environment.host.python) not in (None, HALF_FILLED)


def test_another_home_is_another_import(
    environment: Environment, shop: ImageConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(shop, environment.host)
    monkeypatch.setenv("HOME", str(tmp_path))
    freeze(shop, environment.host)
    assert environment.runs() == 2


def test_the_order_of_settings_counts_since_it_is_that_in_the_program(
    environment: Environment, shop: ImageConfig
) -> None:
    for settings in ({"threads": 2, "timeout": 3}, {"timeout": 3, "threads": 2}):
        freeze(replace(shop, server=settings), environment.host)
    assert environment.runs() == 2


def test_what_was_looked_for_in_vain_is_taken_as_soon_as_it_is_there(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    rates = tmp_path / "rates.csv"
    environment.prepare("observed.json", to_json(Observed(read=(str(rates),))))
    freeze(shop, environment.host)
    freeze(shop, environment.host)
    assert environment.runs() == 1
    rates.touch()
    freeze(shop, environment.host)
    assert environment.runs() == 2


@pytest.mark.parametrize("name", ["tests/test_shop.py", "deploy.toml"])
def test_what_is_looked_through_for_names_counts_though_it_is_not_installed(
    environment: Environment, shop: ImageConfig, name: str
) -> None:
    (shop.root / "tests").mkdir()
    for text in ("", "import tarfile"):
        (shop.root / name).write_text(text, encoding="utf-8")
        freeze(shop, environment.host)
    assert environment.runs() == 2


def test_folders_and_links_to_nowhere_count_where_the_program_may_list_them(
    environment: Environment, shop: ImageConfig
) -> None:
    loose = replace(shop, install=())
    plugins = shop.root / "plugins"
    changes: list[Callable[[], object]] = [
        plugins.mkdir,
        (plugins / "csv").mkdir,
        lambda: (plugins / "csv").rename(plugins / "json"),
        lambda: (plugins / "ast").symlink_to("nowhere"),
    ]
    for number, change in enumerate(changes, 1):
        change()
        (plugins / "__pycache__").mkdir(exist_ok=True)
        freeze(loose, environment.host)
        (plugins / "__pycache__").rmdir()
        freeze(loose, environment.host)
        assert environment.runs() == number


def test_a_module_that_appears_beside_a_script_elsewhere_counts(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "run.py").touch()
    script = replace(shop, app=None, script=f"{tmp_path}/bin/run.py")
    for _ in range(2):
        freeze(script, environment.host)
    assert environment.runs() == 1
    (tmp_path / "bin" / "extra.py").touch()
    freeze(script, environment.host)
    assert environment.runs() == 2


def test_a_library_that_the_program_opens_by_its_path_counts(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    library = tmp_path / "libshop.so.1"
    library.touch()
    environment.prepare("observed.json", to_json(Observed(libraries=(str(library),))))
    freeze(shop, environment.host)
    freeze(shop, environment.host)
    assert environment.runs() == 1
    library.write_bytes(b"other")
    freeze(shop, environment.host)
    assert environment.runs() == 2


@pytest.mark.parametrize("observes", [True, False])
def test_variables_of_the_exercise_count_without_it_too(
    environment: Environment, shop: ImageConfig, observes: bool
) -> None:
    for flavour in ("a", "b"):
        changed = replace(shop, smoke=Smoke(env={"FLAVOUR": flavour}))
        freeze(changed, replace(environment.host, observes=observes))
    assert environment.runs() == 2


def test_a_script_that_the_exercise_names_counts(environment: Environment, shop: ImageConfig) -> None:
    shop = replace(shop, install=("./library",), observe=Observe(command=("python", "tests/exercise.py")))
    for folder in ("library", "tests"):
        (shop.root / folder).mkdir()
    for text in ("a", "b"):
        (shop.root / "tests/exercise.py").write_text(text, encoding="utf-8")
        freeze(shop, environment.host)
    assert environment.runs() == 2


def test_a_file_of_a_tree_that_is_gone_is_made_again(tree: Environment, shop: ImageConfig) -> None:
    freeze(as_tree(shop), tree.host)
    (shop.work / "tree/shop/lib/libc.so.6").unlink()
    freeze(as_tree(shop), tree.host)
    assert tree.runs() == 2


def test_a_library_of_the_system_that_changed_makes_a_new_program(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    library = tmp_path / "libssl.so.3"
    library.write_bytes(b"1")
    site = environment.root / "lib/python3.12/site-packages"
    install_distribution(site, "depx", "depx/x.so")
    environment.finds(sources=["", "-", "libz.so", str(library), f"{site}/depx/x.so", "/nowhere.so"])
    frozen = freeze(shop, environment.host)
    assert set(frozen.system) == {str(library), "/nowhere.so", "/env/shop/page.html"}
    freeze(shop, environment.host)
    assert environment.runs() == 1
    library.write_bytes(b"22")
    freeze(shop, environment.host)
    assert environment.runs() == 2


def test_a_library_that_appears_where_the_loader_looks_first_makes_a_new_program(
    environment: Environment, shop: ImageConfig, tmp_path: Path
) -> None:
    library = tmp_path / "libfoo.so.1"
    environment.finds(looked_for=[str(library)])
    freeze(shop, environment.host)
    freeze(shop, environment.host)
    assert environment.runs() == 1
    library.touch()
    freeze(shop, environment.host)
    assert environment.runs() == 2


def test_a_module_that_no_package_brought_makes_a_new_program_where_its_content_is_another(
    environment: Environment, shop: ImageConfig
) -> None:
    generated = environment.root / "lib/python3.12/site-packages/generated_pb2.py"
    generated.parent.mkdir(parents=True)
    environment.finds(sources=[str(generated)])
    for number, content in enumerate(("A = 1", "A = 2"), 1):
        for _ in range(2):
            generated.write_text(content, encoding="utf-8")
            time.sleep(0.02)
            freeze(shop, environment.host)
            assert environment.runs() == number


@pytest.mark.parametrize(("layout", "runs"), [("onefile", 1), ("tree", 2)])
def test_libraries_that_are_opened_by_name_are_part_of_a_tree(
    environment: Environment, shop: ImageConfig, tmp_path: Path, layout: Layout, runs: int
) -> None:
    library = tmp_path / "plugin.so"
    library.write_bytes(b"1")
    image = replace(shop, layout=layout, staticx=Staticx(libraries=(str(library),)))
    freeze(image, environment.host)
    library.write_bytes(b"2")
    freeze(image, environment.host)
    assert environment.runs() == runs


# What can go wrong.


@pytest.mark.parametrize("layout", ["onefile", "tree"])
def test_a_library_that_is_not_there_is_told_before_anything_is_installed(shop: ImageConfig, layout: Layout) -> None:
    image = replace(shop, layout=layout, staticx=Staticx(libraries=("/nowhere/libx.so",)))
    with pytest.raises(ConfigError) as caught:
        freeze(image, StepContext(say=print))
    assert str(caught.value) == (
        'tool.pystatic-tasks.staticx.libraries names "/nowhere/libx.so", which is not a file.\n'
        "Set the absolute path of a shared library on this machine."
    )


def test_libraries_that_a_tree_lacks_are_named_with_what_needs_them(tree: Environment, shop: ImageConfig) -> None:
    tree.finds(files=FILES, missing=[["x.so", "libnowhere.so.1"], ["y.so", "libnowhere.so.2"]])
    with pytest.raises(FreezeError) as caught:
        freeze(as_tree(shop), tree.host)
    assert str(caught.value) == (
        "This machine lacks libraries that shop needs:\n"
        "  libnowhere.so.1, needed by x.so\n"
        "  libnowhere.so.2, needed by y.so\n"
        "Install them here, or leave out what needs them: freeze.excludes."
    )
    assert not (shop.work / "freeze.json").exists()


def test_a_failure_of_pyinstaller_is_told_with_the_end_of_its_output(
    environment: Environment, shop: ImageConfig
) -> None:
    (environment.root / "code").write_text("3", encoding="utf-8")
    with pytest.raises(FreezeError) as caught:
        freeze(shop, environment.host)
    assert str(caught.value) == (
        "PyInstaller failed with exit code 3; its output is in build/pystatic/shop/pyinstaller.log and ends with:\n"
        "  ERROR: größe\n"
        "Look for the first ERROR in it."
    )


def test_a_command_of_what_is_installed_is_frozen(environment: Environment, shop: ImageConfig) -> None:
    config = replace(shop, app=None, command="falcon-inspect-app", requirements=("requirements.txt",))
    (shop.root / "requirements.txt").write_text("falcon", encoding="utf-8")
    freeze(config, environment.host)
    entry = Path(environment.asked("program")["entry"]).read_text(encoding="utf-8")
    assert "from falcon.cmd.inspect_app import main\n" in entry


def test_a_command_that_cannot_be_there_is_told_before_anything_is_installed(
    environment: Environment, shop: ImageConfig
) -> None:
    with pytest.raises(ConfigError) as caught:
        freeze(replace(shop, app=None, command="black"), environment.host)
    assert caught.value.problem == (
        'tool.pystatic-tasks.command names "black", which is not in [project.scripts]; there are none'
    )
    assert environment.said == []


def test_a_target_that_is_refused_is_told(environment: Environment, shop: ImageConfig) -> None:
    answer = {"problem": "The target is wrong:", "details": ["line 1"], "remedy": "Correct it."}
    environment.prepare("target.json", answer)
    with pytest.raises(ConfigError) as caught:
        freeze(shop, environment.host)
    assert str(caught.value) == "The target is wrong:\n  line 1\nCorrect it."
    assert environment.runs() == 0


def test_a_target_that_ends_the_interpreter_is_told(environment: Environment, shop: ImageConfig) -> None:
    (environment.root / "target.json").unlink()
    with pytest.raises(FreezeError) as caught:
        freeze(shop, environment.host)
    assert str(caught.value) == (
        "examine/target.py ended without a result; its output is in build/pystatic/shop/target.log:\n"
        "  importing größe\n"
        "If the cause is not in the project, please report it."
    )


def test_data_that_is_not_there_is_named(environment: Environment, shop: ImageConfig) -> None:
    with pytest.raises(ConfigError) as caught:
        freeze(replace(shop, freeze=Freeze(data=("templates:templates",))), environment.host)
    assert str(caught.value) == (
        f'tool.pystatic-tasks.freeze.data names "templates", which is not in {shop.root}.\nCorrect the path.'
    )


def test_secrets_among_data_are_refused_before_anything_is_frozen_and_when_nothing_is(
    environment: Environment, shop: ImageConfig
) -> None:
    pages = shop.root / "pages"
    pages.mkdir()
    shop = replace(shop, freeze=Freeze(data=("pages:pages",)))
    freeze(shop, environment.host)
    (pages / ".env").write_text("A=1", encoding="utf-8")
    for runs in (1, 1):
        with pytest.raises(ConfigError, match=r"^1 file of the project would go into shop unasked:\n  pages/.env: "):
            freeze(shop, environment.host)
        assert environment.runs() == runs


def test_secrets_among_what_pyinstaller_adds_are_refused_each_time(environment: Environment, shop: ImageConfig) -> None:
    metadata = shop.root / "shop.egg-info/PKG-INFO"
    metadata.parent.mkdir()
    metadata.write_text("Name: shop\n", encoding="utf-8")
    environment.finds(data=[[str(metadata), "shop.egg-info"], ["/usr/share/x/tls.key", "x"]])
    assert freeze(shop, environment.host).data == (("/env/shop/page.html", "shop"), (str(metadata), "shop.egg-info"))
    metadata.write_text("Requires-Dist: x @ https://user:sesame@host.example/x.whl\n", encoding="utf-8")
    refused = r"^1 file of the project would go into shop unasked:\n  shop.egg-info/PKG-INFO: a URL with a password\n"
    with pytest.raises(ConfigError, match=refused):
        freeze(shop, environment.host)
    changed = replace(shop, freeze=Freeze(optimize=1))
    for runs in (2, 3):
        with pytest.raises(ConfigError, match=refused):
            freeze(changed, environment.host)
        assert environment.runs() == runs


# The services that it is observed with.

SERVES = """
import os, signal, socket

server = socket.create_server(("127.0.0.1", int(os.environ["PYSTATIC_SERVICE_PORT"])))
with open("../starts", "a") as file:
    file.write("x")
signal.pause()
"""


def with_service(shop: ImageConfig, code: str = SERVES) -> ImageConfig:
    (shop.root / "cache.py").write_text(code, encoding="utf-8")
    service = Service(name="cache", command=(sys.executable, "-IS", "cache.py"), port=free_port(), timeout=20.0)
    return replace(shop, services=(service,))


def starts(shop: ImageConfig) -> int:
    """How often the service was started."""
    path = shop.root.parent / "starts"
    return len(path.read_text(encoding="utf-8")) if path.exists() else 0


def test_it_is_imported_and_observed_with_its_services_if_anything_changed(
    environment: Environment, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = with_service(shop)
    port = shop.services[0].port
    asked = build_environment.ask
    there: list[tuple[str, bool]] = []

    def ask(python: Path, module: Any, *arguments: Any, **options: Any) -> Any:
        there.append((module.name, is_taken(port)))
        return asked(python, module, *arguments, **options)

    for each in (examination, observation, program):
        monkeypatch.setattr(each, "ask", ask)
    freeze(shop, environment.host)
    assert there == [("tools", True), ("examine.target", True), ("observe.exercise", True), ("freeze.program", False)]
    assert environment.said[0] == f"services: cache at 127.0.0.1:{port}"
    freeze(shop, environment.host)
    assert (environment.runs(), starts(shop)) == (1, 1)
    (shop.root / "cache.py").write_text(f"{SERVES}# Changed.\n", encoding="utf-8")
    freeze(shop, environment.host)
    assert (environment.runs(), starts(shop)) == (2, 2)


def test_without_its_services_it_is_not_observed_and_frozen_again_the_next_time(
    environment: Environment, shop: ImageConfig
) -> None:
    shop = with_service(shop, "raise SystemExit('no space left')\n")
    line = (
        "not observed: the service cache ended with exit code 1 before it listened at "
        f"127.0.0.1:{shop.services[0].port}: no space left (build/pystatic/shop/service-cache.log)"
    )
    for runs in (1, 2):
        environment.said.clear()
        freeze(shop, environment.host)
        assert line in environment.said
        assert environment.runs() == runs
    assert environment.asked("target")["app"] == "shop:app"
    assert not (environment.root / "exercise.asked.json").exists()


def test_services_are_left_alone_where_nothing_is_observed(environment: Environment, shop: ImageConfig) -> None:
    shop = with_service(shop)
    freeze(shop, replace(environment.host, observes=False))
    assert starts(shop) == 0
    assert not any("services" in line for line in environment.said)
