from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import install_distribution, swap_source

from pystatic_tasks.in_env.examine import target
from pystatic_tasks.in_env.installed.distributions import split_distributions
from pystatic_tasks.in_env.protocol import ToolNames
from pystatic_tasks.in_env.tools import find_tools, tool_names
from pystatic_tasks.in_image.servers.gunicorn.examine import unused_parts as server_parts
from pystatic_tasks.in_image.servers.gunicorn.settings import configure
from pystatic_tasks.in_image.servers.uvicorn.examine import UNUSED_PARTS
from pystatic_tasks.steps.build_environment import IN_ENV
from pystatic_tasks.steps.freeze.inputs import PACKAGE
from pystatic_tasks.steps.freeze.observe.target import copy_runner

# Isolated, with the packages of the build environment, wherever this Python has its own, and the module loaded
# already, with what most of them want of the standard library: each question (a line) is answered by a process forked
# from there, whose exit code is told.
SERVE = """
import argparse, difflib, email.message, email.parser, fcntl, html, importlib.metadata._adapters, locale
import logging.config, platform, shlex, ssl, sysconfig
import gc, os, runpy, signal, sys

sysconfig.get_config_vars()
sys.path.append(sys.argv[1])
boot = runpy.run_path(sys.argv[2])
boot["load_package"]()
importlib.import_module(boot["PACKAGE"] + ".examine.target")
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
gc.freeze()
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        boot["run"]("examine.target", *line.split())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers)
"""
WSGI = "def app(environ, start_response):\n    return []\n"
CORRECT_CODE = (
    "Correct the code, or set the variables that it needs: in image.env, or in smoke.env if not for the image."
)
CORRECT_APP = "Correct tool.pystatic-tasks.app."
CORRECT_SERVER = "Correct [tool.pystatic-tasks.server]."
Ask = Callable[..., dict[str, Any]]

# With what it needs; the last one for older Pythons only.
UVICORN = ("uvicorn", "click", "h11", *(("typing_extensions",) if sys.version_info < (3, 11) else ()))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    copy_runner(folder)
    return folder


def link(site: Path, *names: str) -> Path:
    """Install distributions as they are here."""
    site.mkdir(exist_ok=True)
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for part in {file.parts[0] for file in distribution.files or ()} - {".."}:
            (site / part).symlink_to(Path(str(distribution.locate_file(part))))
    return site


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small build environment: the server, and a tool that shares a package with a dependency."""
    site = tmp_path_factory.mktemp("environment") / "site-packages"
    site.mkdir()
    link(site, "gunicorn", "packaging")
    install_distribution(site, "toolx", "toolx.py", requires=["helperx", "sharedx"])
    install_distribution(site, "depx", "depx/__init__.py", requires=["sharedx"])
    install_distribution(site, "helperx", "helperx.py")
    install_distribution(site, "sharedx", "sharedx.py")
    (site / "toolx.py").write_text("import tarfile\n", encoding="utf-8")
    return site


@pytest.fixture(scope="module")
def environment(packages: Path) -> Iterator[subprocess.Popen[str]]:
    """A Python of the build environment that answers questions."""
    command = [sys.executable, "-I", "-S", "-c", SERVE, str(packages), str(IN_ENV / "boot.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        yield process


@pytest.fixture
def ask(tmp_path: Path, runner: Path, packages: Path, environment: subprocess.Popen[str]) -> Ask:
    """Runs the module, as freeze does, on a project of these files."""

    def ask(
        app: str | None = "shop:app",
        files: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        hidden_imports: Sequence[str] = (),
        tools: Sequence[str] = ("toolx",),
        env: Mapping[str, str] | None = None,
        collect: Sequence[str] = (),
        metadata: Sequence[str] = (),
        server_config: str = "",
        server: str = "gunicorn",
        more: Sequence[Path] = (),
    ) -> dict[str, Any]:
        project = tmp_path / "project"
        project.mkdir()
        for name, text in (files or {"shop.py": WSGI}).items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text, encoding="utf-8")
        request = {
            "app": app or "",
            "server": server,
            "settings": settings or {},
            "import_paths": [str(runner), str(project), *map(str, more)],
            "hidden_imports": hidden_imports,
            "project": str(project),
            "tools": tool_names(tools, importlib.metadata.distributions(path=[str(packages)])),
            "env": env or {},
            "collect": collect,
            "metadata": metadata,
            "loose": [str(project)],
            "static": str(tmp_path / "static"),
            "server_config": server_config,
            "sources": [str(path) for path in project.rglob("*.py")],
        }
        asked, answered = tmp_path / "request.json", tmp_path / "answer.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        assert environment.stdin
        assert environment.stdout
        environment.stdin.write(f"{asked} {answered}\n")
        assert environment.stdout.readline() == "0\n"
        answer: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
        return answer

    return ask


def unmarked(lines: Sequence[str]) -> list[str]:
    """The lines of a traceback without the marks below them, which differ between versions of Python."""
    return [line for line in lines if line.strip(" ~^")]


def test_what_follows_from_a_wsgi_application(ask: Ask) -> None:
    answer = ask(settings={"bind": ["0.0.0.0:9000"], "workers": 3})
    assert answer.pop("commands")["gunicorn"] == "gunicorn.app.wsgiapp:run"
    assert set(answer.pop("distributions")) == {"gunicorn", "packaging", "toolx", "depx", "helperx", "sharedx"}
    assert {Path(path).name for path in answer.pop("read")} == {"application.py", "project", "shop.py"}
    answer.pop("changed")
    assert answer == {
        "settings": {"bind": ["0.0.0.0:9000"], "workers": 3},
        "hidden_imports": ["gunicorn.glogging", "gunicorn.workers.sync", "shop"],
        "data": [],
        "ports": [9000],
        "tool_modules": ["helperx", "toolx"],
        "unused": ["process-pools", "queue-handlers", "archives", "side-servers", "http2"],
        "static_folders": [],
    }


def test_what_is_called_like_the_standard_library_is_none_of_it(ask: Ask) -> None:
    opening = """\
import contextlib, os
for folder in (os.path.dirname(os.__file__), os.path.dirname(os.__file__) + "-more"):
    with contextlib.suppress(FileNotFoundError):
        open(f"{folder}/settings.json")
"""
    read = ask(files={"shop.py": opening + WSGI})["read"]
    assert [Path(path).parent.name.endswith("-more") for path in read if path.endswith("settings.json")] == [True]


def test_what_the_import_writes_itself_is_not_what_it_reads(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "rates").write_text("1", encoding="utf-8")
    os.utime(tmp_path / "rates", (1, 1))
    opening = """\
import os, pathlib, tempfile
top = pathlib.Path(__file__).parents[1]
made = pathlib.Path(tempfile.mkdtemp(dir=top), "made")
made.write_text("1")
made.rename(top / "kept")
(top / "kept").read_text()
(top / "nothing").exists() or os.listdir(top)
open(top / "rates", "r+").close()
"""
    read = ask(files={"shop.py": opening + WSGI})["read"]
    assert {Path(path).name for path in read} == {"application.py", "project", "shop.py", "rates"}


def test_a_folder_that_is_opened_as_a_file_is_not_read(ask: Ask, tmp_path: Path) -> None:
    """Whatever comes and goes in it."""
    opening = "import importlib.resources\nfiles = list(importlib.resources.files('texts').iterdir())\n"
    read = ask(files={"shop.py": opening + WSGI, "texts/a.txt": ""})["read"]
    # Where the module was looked for.
    assert {str(path) for path in (tmp_path / "project/texts").parents} & set(read) == {str(tmp_path / "project")}
    assert str(tmp_path / "project/texts") in read


def test_what_the_import_writes_is_told(ask: Ask, tmp_path: Path) -> None:
    for name in ("there", "same", "read"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    opening = """\
import os, pathlib, shutil, sqlite3
top = pathlib.Path(__file__).parents[1]
(top / "there").write_text("2")
(top / "made").mkdir()
shutil.copy2(top / "read", top / "made/copied")
(top / "new").write_text("3")
(top / "new").rename(top / "renamed")
os.link(top / "read", top / "linked")
open(top / "same", "r+").close()
with sqlite3.connect(top / "app.db") as database:
    database.execute("create table users(name)")
"""
    changed = ask(files={"shop.py": opening + WSGI})["changed"]
    names = {str(Path(path).relative_to(tmp_path)) for path in changed if path.startswith(f"{tmp_path}/")}
    assert {name for name in names if "__pycache__" not in name} == {
        *("there", "made", "made/copied", "renamed", "linked", "app.db"),
    }


def test_a_project_may_have_modules_of_any_name(ask: Ask) -> None:
    names = [
        *(path.stem for path in IN_ENV.rglob("[!_]*.py") if "recorder" not in path.parts),
        "in_env",
        "pystatic_tasks",
    ]
    names.append("packaging")
    assert {"protocol", "binaries", "tree"} < set(names)
    imports = "".join(f"import {name}\nassert {name}.OWN\n" for name in names)
    answer = ask(files={"shop.py": imports + WSGI, **{f"{name}.py": "OWN = True\n" for name in names}})
    assert set(names) < set(answer["hidden_imports"])


@pytest.mark.parametrize(
    "text",
    [
        "async def app(scope, receive, send): ...",
        "class App:\n    async def __call__(self, scope, receive, send): ...\napp = App()",
    ],
    ids=["function", "object"],
)
def test_an_asgi_application_gets_its_worker(ask: Ask, text: str) -> None:
    answer = ask(files={"shop.py": text})
    assert answer["settings"] == {"worker_class": "asgi"}
    assert "gunicorn.workers.gasgi" in answer["hidden_imports"]


def test_an_asgi_application_keeps_the_worker_that_was_chosen_for_it(ask: Ask) -> None:
    answer = ask(files={"shop.py": "async def app(scope, receive, send): ..."}, settings={"worker_class": "gthread"})
    assert answer["settings"] == {"worker_class": "gthread"}


def test_another_server_says_itself_what_follows(ask: Ask, tmp_path: Path) -> None:
    more = [link(tmp_path / "more", *UVICORN)]
    answer = ask(
        files={"shop.py": "async def app(scope, receive, send): ..."},
        server="uvicorn",
        settings={"port": 9000, "ws": "none"},
        more=more,
    )
    assert answer["settings"] == {"port": 9000, "ws": "none", "http": "h11", "loop": "asyncio"}
    assert answer["hidden_imports"] == [
        "shop",
        "uvicorn.lifespan.on",
        "uvicorn.loops.asyncio",
        "uvicorn.protocols.http.h11_impl",
    ]
    assert answer["ports"] == [9000]
    assert answer["unused"][-2:] == ["other-implementations", "reloading"]


def test_an_application_that_the_server_does_not_serve_is_told(ask: Ask, tmp_path: Path) -> None:
    more = [link(tmp_path / "more", *UVICORN)]
    assert ask(server="uvicorn", more=more) == {
        "problem": "uvicorn serves ASGI applications, but the target does not look like one; "
        'if it is one, set server.interface = "asgi3".',
        "remedy": CORRECT_SERVER,
        "details": [],
    }


def test_threads_bring_their_worker(ask: Ask) -> None:
    assert ask(settings={"threads": 4})["hidden_imports"] == ["gunicorn.glogging", "gunicorn.workers.gthread", "shop"]


def test_statsd_brings_its_logger(ask: Ask) -> None:
    assert "gunicorn.instrument.statsd" in ask(settings={"statsd_host": "127.0.0.1:8125"})["hidden_imports"]


def test_a_factory_is_called(ask: Ask) -> None:
    files = {"shop/__init__.py": "", "shop/web.py": "def create(name):\n    assert name == 'x'\n    return print\n"}
    assert ask("shop.web:create('x')", files)["settings"] == {}


def test_a_program_without_application_is_not_imported(ask: Ask) -> None:
    answer = ask(None, {"shop.py": "1/0"})
    assert (answer["hidden_imports"], answer["ports"]) == ([], [])


def test_the_commands_of_all_but_tools_are_told(ask: Ask, tmp_path: Path) -> None:
    site = tmp_path / "more"
    points = {
        "toolx": "toolx = toolx:main",
        "Zebra": "stripe = zebra:other\nzebra = zebra:main [all]",
        "ant": "stripe = ant:main",
        "gui": "",
    }
    for name, lines in points.items():
        install_distribution(site, name, f"{name}.py")
        text = f"[console_scripts]\n{lines}\n[gui_scripts]\nwindow = {name}:main\n"
        (site / f"{name}-1.0.dist-info/entry_points.txt").write_text(text, encoding="utf-8")
    commands = ask(None, more=[site])["commands"]
    commands.pop("gunicorn")
    commands.pop("gunicornc", None)
    assert commands == {"stripe": "ant:main", "zebra": "zebra:main [all]"}


def test_what_only_tools_need_is_left_out_and_what_the_project_needs_is_kept(ask: Ask) -> None:
    assert ask(None, tools=["toolx", "nowherex"])["tool_modules"] == ["helperx", "toolx"]


def test_what_dependencies_ask_for_is_used(ask: Ask) -> None:
    assert "archives" not in ask(tools=[])["unused"]


def test_a_program_without_application_has_no_server_whose_parts_could_be_unused(ask: Ask) -> None:
    assert ask(None, {"shop.py": ""})["unused"] == ["process-pools", "queue-handlers", "archives"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("from concurrent.futures import ProcessPoolExecutor", "process-pools"),
        ("HANDLER = 'logging.handlers.QueueHandler'", "queue-handlers"),
        ("import zipfile", "archives"),
    ],
)
def test_what_the_project_asks_for_is_used(ask: Ask, text: str, part: str) -> None:
    files = {"shop.py": WSGI, "plugins/later.py": text}
    assert part not in ask(files=files)["unused"]


@pytest.mark.parametrize(("target", "module"), [("shap.web:app", "shap"), ("shop.web:app", "shop.web")])
def test_a_module_that_is_not_there_is_named(ask: Ask, target: str, module: str) -> None:
    assert ask(target) == {
        "problem": f'The target "{target}" does not exist: there is no module "{module}" in the build environment.',
        "remedy": "Correct tool.pystatic-tasks.app, or add the project that has it to tool.pystatic-tasks.install.",
        "details": [],
    }


def test_an_attribute_that_is_not_there_is_named(ask: Ask) -> None:
    assert ask("shop:application") == {
        "problem": 'The target "shop:application" could not be loaded: '
        "Failed to find attribute 'application' in 'shop'.",
        "remedy": CORRECT_APP,
        "details": [],
    }


def test_what_cannot_be_called_is_no_application(ask: Ask) -> None:
    assert ask(files={"shop.py": "app = 3\n"}) == {
        "problem": 'The target "shop:app" could not be loaded: Application object must be callable.',
        "remedy": CORRECT_APP,
        "details": [],
    }


NO_APPLICATION = {
    "problem": 'The target "shop:app" is not an application: it takes neither WSGI arguments '
    "(environ, start_response) nor ASGI arguments (scope, receive, send).",
    "remedy": 'Name an application, or a function that returns one, as in "shop:create_app()"; '
    "use script or command for a program that serves by itself.",
    "details": [],
}


@pytest.mark.parametrize(
    "code",
    [
        "def app():\n    pass\n",
        "def app(config=None):\n    pass\n",
        "def app(a, b, c, d):\n    pass\n",
        "class Server:\n    def __call__(self):\n        return self\napp = Server()\n",
        "class app:\n    pass\n",
    ],
)
def test_what_takes_other_arguments_is_no_application(ask: Ask, code: str) -> None:
    assert ask(files={"shop.py": code}) == NO_APPLICATION


@pytest.mark.parametrize(
    "code",
    [
        "def app(environ, start_response, more=1):\n    pass\n",
        "app = lambda *arguments: []\n",
        "async def app(scope, receive, send):\n    pass\n",
        "def app(scope):\n    pass\n",
        "class app:\n    def __init__(self, environ, start_response):\n        pass\n",
        "app = dict\n",
        "import functools\ndef inner():\n    pass\n@functools.wraps(inner)\ndef app(*arguments):\n    pass\n",
    ],
)
def test_what_takes_those_of_a_server_is_one(ask: Ask, code: str) -> None:
    assert "problem" not in ask(files={"shop.py": code})


def test_a_factory_that_makes_nothing_is_told(ask: Ask) -> None:
    assert ask("shop:create()", {"shop.py": "def create():\n    pass\n"}) == {
        "problem": "The target \"shop:create()\" could not be loaded: Failed to find application object: 'create()'",
        "remedy": CORRECT_APP,
        "details": [],
    }


def test_an_error_in_the_projects_code_is_shown_from_there(ask: Ask) -> None:
    files = {
        "shop.py": "from config import read\n\napp = read()\n",
        "config.py": "def read():\n    raise ValueError('größe 1')\n",
    }
    answer = ask(files=files)
    answer["details"] = unmarked(answer["details"])
    assert answer == {
        "problem": 'The target "shop:app" cannot be imported:',
        "remedy": CORRECT_CODE,
        "details": [
            '  File "shop.py", line 3, in <module>',
            "    app = read()",
            '  File "config.py", line 2, in read',
            "    raise ValueError('größe 1')",
            "ValueError: größe 1",
        ],
    }


def test_an_error_in_the_standard_library_is_shown_where_the_project_called_it(ask: Ask) -> None:
    answer = ask(files={"shop.py": "import json\n\napp = json.loads('{')\n"})
    assert unmarked(answer["details"])[:2] == ['  File "shop.py", line 3, in <module>', "    app = json.loads('{')"]
    assert unmarked(answer["details"])[2].startswith("json.decoder.JSONDecodeError: ")


def test_an_error_in_a_package_is_shown_where_the_project_called_it(ask: Ask) -> None:
    text = "from packaging.version import Version\n\napp = Version('x')\n"
    assert unmarked(ask(files={"shop.py": text})["details"]) == [
        '  File "shop.py", line 3, in <module>',
        "    app = Version('x')",
        "packaging.version.InvalidVersion: Invalid version: 'x'",
    ]


def test_a_syntax_error_is_shown_without_the_importer(ask: Ask) -> None:
    answer = ask(files={"shop.py": "def app(:\n"})
    assert (answer["problem"], answer["remedy"]) == ('The target "shop:app" cannot be imported:', "Correct the code.")
    assert unmarked(answer["details"]) == ['  File "shop.py", line 1', "    def app(:", "SyntaxError: invalid syntax"]


def test_a_program_that_ends_while_it_is_imported_is_told(ask: Ask) -> None:
    answer = ask(files={"shop.py": "import sys\nsys.exit('no DATABASE_URL')\n"})
    assert answer["problem"] == 'The target "shop:app" cannot be imported:'
    assert answer["remedy"] == CORRECT_CODE
    assert answer["details"][-1] == "SystemExit: no DATABASE_URL"


def test_a_package_that_is_missing_is_named(ask: Ask) -> None:
    answer = ask(files={"shop.py": "import nowhere.deep\n"})
    assert answer["problem"] == 'The target "shop:app" cannot be imported:'
    assert answer["remedy"] == 'Add the package that provides "nowhere" to the project\'s dependencies.'
    assert unmarked(answer["details"])[-1] == "ModuleNotFoundError: No module named 'nowhere'"


def test_an_unknown_setting_is_told_with_the_nearest(ask: Ask) -> None:
    assert ask(settings={"worker": 2}) == {
        "problem": "server.worker is not a setting of gunicorn; did you mean 'workers'?",
        "remedy": CORRECT_SERVER,
        "details": [],
    }


def test_a_value_that_is_refused_is_told(ask: Ask) -> None:
    assert ask(settings={"workers": "two"}) == {
        "problem": "server.workers = 'two' is refused by gunicorn: invalid literal for int() with base 0: 'two'",
        "remedy": CORRECT_SERVER,
        "details": [],
    }


def test_a_worker_that_is_not_there_is_told_without_a_traceback(ask: Ask) -> None:
    assert ask(settings={"worker_class": "nonsense"}) == {
        "problem": "gunicorn refuses its settings: class uri 'nonsense' invalid or not found.",
        "remedy": CORRECT_SERVER,
        "details": [],
    }


def test_a_logger_that_is_not_there_is_named(ask: Ask) -> None:
    assert ask(settings={"logger_class": "shop.Logger"}) == {
        "problem": "server.logger_class = 'shop.Logger' is not a class that can be imported.",
        "remedy": CORRECT_SERVER,
        "details": [],
    }


def test_a_hidden_import_that_is_not_there_is_named(ask: Ask) -> None:
    assert ask(hidden_imports=["json.tool", "shop.nowhere"]) == {
        "problem": 'freeze.hidden-imports names "shop.nowhere", which is not a module in the build environment.',
        "remedy": "Correct the name, or add the package that provides it to the project's dependencies.",
        "details": [],
    }


@pytest.mark.parametrize("name", ["", "...", "json..tool"])
def test_a_hidden_import_that_is_no_name_is_refused(ask: Ask, name: str) -> None:
    assert f'freeze.hidden-imports names "{name}"' in ask(hidden_imports=[name])["problem"]


def test_a_package_to_collect_that_is_not_there_is_named(ask: Ask) -> None:
    assert ask(collect=["json", "nowhere"]) == {
        "problem": 'freeze.collect names "nowhere", which is not a module in the build environment.',
        "remedy": "Correct the name, or add the package that provides it to the project's dependencies.",
        "details": [],
    }


def test_hooks_that_settings_name_are_brought_along(ask: Ask) -> None:
    files = {"shop.py": WSGI, "hooks.py": "def start(server):\n    pass\n"}
    answer = ask(files=files, settings={"on_starting": "hooks.start"})
    assert answer["hidden_imports"] == ["gunicorn.glogging", "gunicorn.workers.sync", "hooks", "shop"]


def test_what_the_target_loads_by_name_is_brought_along(ask: Ask) -> None:
    files = {"shop.py": f"import importlib\nimportlib.import_module('plug' + 'ins.one')\n{WSGI}"}
    answer = ask(files={**files, "plugins/__init__.py": "", "plugins/one.py": "", "plugins/words.txt": ""})
    assert {"plugins", "plugins.one"} <= set(answer["hidden_imports"])
    assert [[Path(source).name, folder] for source, folder in answer["data"]] == [["words.txt", "plugins"]]


def test_modules_of_the_standard_library_are_left_to_the_analysis(ask: Ask) -> None:
    answer = ask(files={"shop.py": f"import sqlite3\n{WSGI}"})
    assert answer["hidden_imports"] == ["gunicorn.glogging", "gunicorn.workers.sync", "shop"]


def test_modules_called_as_those_of_the_scripts_are_the_projects_own(ask: Ask) -> None:
    files = {"shop.py": f"from owners import NAME\nfrom mentions import NAME\n{WSGI}", "owners.py": "NAME = 1\n"}
    answer = ask(files={**files, "mentions.py": "NAME = 2\n"})
    assert {"owners", "mentions"} <= set(answer["hidden_imports"])


def test_metadata_of_what_is_not_installed_is_refused(ask: Ask) -> None:
    assert ask(metadata=["packaging", "nowhere"]) == {
        "problem": 'freeze.metadata names "nowhere", which is not a distribution in the build environment.',
        "remedy": "Correct the name, or add it to the project's dependencies.",
        "details": [],
    }


def test_metadata_that_is_named_is_brought_along(ask: Ask) -> None:
    folders = {folder for _, folder in ask(metadata=["packaging"])["data"]}
    assert [folder.partition("-")[0] for folder in folders] == ["packaging"]


def test_the_projects_own_configuration_file_of_gunicorn_counts(ask: Ask) -> None:
    own = "bind = '0.0.0.0:7000'\nthreads = 4\nother = 1\n"
    answer = ask(files={"shop.py": WSGI, "own_conf.py": own}, server_config="own_conf")
    assert answer["ports"] == [7000]
    assert "gunicorn.workers.gthread" in answer["hidden_imports"]
    assert answer["settings"] == {}


def test_settings_go_before_that_file(ask: Ask) -> None:
    files = {"shop.py": WSGI, "own_conf.py": "bind = '0.0.0.0:7000'\n"}
    assert ask(files=files, server_config="own_conf", settings={"bind": "0.0.0.0:7001"})["ports"] == [7001]


def test_code_is_imported_as_it_is_now_though_bytecode_has_the_same_size_and_time(ask: Ask, tmp_path: Path) -> None:
    swap_source(tmp_path / "more" / "addresses.py", "BIND = '0.0.0.0:7001'\n", "BIND = '0.0.0.0:7002'\n")
    files = {"shop.py": WSGI, "own_conf.py": "import addresses\n\nbind = addresses.BIND\n"}
    assert ask(files=files, server_config="own_conf", more=[tmp_path / "more"])["ports"] == [7002]


def test_an_error_in_that_file_is_shown(ask: Ask) -> None:
    answer = ask(files={"shop.py": WSGI, "own_conf.py": "workers = 1 / 0\n"}, server_config="own_conf")
    assert answer["problem"] == "gunicorn's configuration file cannot be imported:"
    assert answer["remedy"] == 'Correct it, or set server.config = "" to do without it.'
    assert answer["details"][-1] == "ZeroDivisionError: division by zero"


def test_a_value_in_that_file_that_is_refused_is_told(ask: Ask) -> None:
    answer = ask(files={"shop.py": WSGI, "own_conf.py": "workers = 'many'\n"}, server_config="own_conf")
    assert answer["problem"].startswith("gunicorn's configuration file: workers = 'many' is refused by gunicorn: ")


def test_a_django_that_cannot_be_asked_is_told(ask: Ask) -> None:
    files = {"shop.py": f"import django.conf\n{WSGI}", "django/__init__.py": ""}
    answer = ask(files={**files, "django/conf.py": "class settings:\n    configured = True\n"})
    assert answer == {
        "problem": "Cannot collect what Django uses, or its static files:",
        "remedy": "Correct the settings, or set what they need under [tool.pystatic-tasks.image.env].",
        "details": ["ModuleNotFoundError: No module named 'django.apps'"],
    }


def test_hidden_imports_of_the_project_are_found(ask: Ask) -> None:
    files = {"shop.py": WSGI, "plugins/__init__.py": "", "plugins/one.py": ""}
    assert "problem" not in ask(files=files, hidden_imports=["plugins.one", "json.tool"])


@pytest.mark.parametrize(
    ("env", "ports"),
    [
        ({"PORT": "81"}, [81]),
        ({"PORT": "81", "GUNICORN_CMD_ARGS": "--bind 0.0.0.0:82 --bind 0.0.0.0:83"}, [82, 83]),
        ({"GUNICORN_CMD_ARGS": "--bind unix:/run/shop.sock"}, []),
    ],
)
def test_the_images_own_variables_decide_on_the_ports(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], ports: list[int]
) -> None:
    monkeypatch.setenv("PORT", "99")  # Of the machine that builds: of no account.
    answer = ask(settings={"bind": "0.0.0.0:9000"}, env=env)
    assert (answer["ports"], answer["settings"]) == (ports, {"bind": "0.0.0.0:9000"})


def test_a_wrong_variable_of_the_image_is_told(ask: Ask) -> None:
    assert ask(env={"PORT": "abc"}) == {
        "problem": "PORT = 'abc' is not a valid port; ports range from 1 to 65535.",
        "remedy": CORRECT_SERVER,
        "details": [],
    }


# Parts that are left out, each by what it takes to use them.


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to install into, and all that is installed: there is much where the tests run."""
    path = tmp_path / "site-packages"
    path.mkdir()
    monkeypatch.setattr(sys, "path", [str(path)])
    return path


def names(distributions: Sequence[importlib.metadata.Distribution], among: str) -> set[str]:
    return {each.metadata["Name"] for each in distributions} & set(among.split())


def test_the_hooks_for_every_part_are_there() -> None:
    parts = [*target.ASKED_BY_NAME, *server_parts(configure({}, {})), *UNUSED_PARTS]
    assert {path.name for path in (PACKAGE / "hooks").iterdir()} == {"always", *(f"without-{each}" for each in parts)}


def test_every_name_of_a_part_keeps_it_and_no_other(tmp_path: Path) -> None:
    parts = set(target.ASKED_BY_NAME)
    for part, words in target.ASKED_BY_NAME.items():
        for word in words:
            (tmp_path / "x.py").write_text(f"x.{word}()\n", encoding="utf-8")
            assert set(target.unused_parts([tmp_path / "x.py"])) == parts - {part}


def test_tools_are_left_out_with_what_only_they_require(site: Path) -> None:
    install_distribution(site, "toolx", requires=["helperx[more]", "sharedx", "windowsx; sys_platform == 'win32'"])
    install_distribution(site, "helperx", requires=["extrax; extra == 'more'", "otherx; extra == 'less'"])
    install_distribution(site, "shopx", requires=["Shared_X"])
    installed = "toolx helperx shopx extrax otherx sharedx shared.x windowsx"
    for name in installed.split()[3:]:
        install_distribution(site, name)
    tools, others = split_distributions(tool_names(["toolx"], importlib.metadata.distributions()))
    assert names(tools, installed) == {"toolx", "helperx", "extrax", "sharedx"}
    assert names(others, installed) == {"shopx", "shared.x", "otherx", "windowsx"}


def test_what_a_tool_shares_with_an_extra_that_nobody_asked_for_is_a_tools(site: Path) -> None:
    install_distribution(site, "toolx", requires=["Zstd.X"])
    install_distribution(site, "httpx", requires=["zstd-x; extra == 'zstd'"], extras=["zstd"])
    install_distribution(site, "zstd.x")
    assert "zstd.x" in tool_names(["toolx"], importlib.metadata.distributions())


@pytest.mark.parametrize("asked", ["httpx[zstd]", "httpx[http2,zstd]", "Zstd_X"])
def test_what_is_asked_for_by_name_is_no_tool(site: Path, asked: str) -> None:
    test_what_a_tool_shares_with_an_extra_that_nobody_asked_for_is_a_tools(site)
    assert "zstd.x" not in find_tools(ToolNames(names=("toolx",), asked=(asked,))).names
    assert "zstd.x" not in find_tools(ToolNames(names=("toolx",), of_groups=("zstd-x",))).names


def test_an_extra_counts_that_something_else_fulfils_too_or_that_the_project_itself_has(site: Path) -> None:
    install_distribution(site, "toolx", requires=["zstdx", "otherx"])
    requires = ["zstdx; extra == 'all'", "morex; extra == 'all'"]
    install_distribution(site, "httpx", requires=requires, extras=["all"])
    install_distribution(site, "shopx", requires=["otherx; extra == 'web'"], extras=["web"], origin="file:///shop")
    for name in ("zstdx", "otherx", "morex"):
        install_distribution(site, name)
    found = tool_names(["toolx"], importlib.metadata.distributions())
    assert {"zstdx", "otherx"}.isdisjoint(found)
    assert "toolx" in found


def test_what_groups_bring_is_what_nobody_else_requires_and_no_tool(site: Path) -> None:
    install_distribution(site, "toolx", requires=["sharedx"])
    install_distribution(site, "testx", requires=["sharedx", "pluginx", "depx"])
    install_distribution(site, "shopx", requires=["depx"])
    installed = ("toolx", "testx", "shopx", "sharedx", "pluginx", "depx")
    for name in installed[3:]:
        install_distribution(site, name)
    found = find_tools(ToolNames(names=("toolx",), of_groups=("testx",)))
    assert set(found.names) & set(installed) == {"toolx"}
    assert set(found.of_groups) & set(installed) == {"testx", "pluginx", "sharedx"}


def test_code_is_what_python_can_import(site: Path) -> None:
    install_distribution(site, "shopx", "shopx/web.py", "shopx/fast.abi3.so", "shopx/x.html", "gone.py")
    (site / "gone.py").unlink()
    found = target.code_files([importlib.metadata.distribution("shopx")])
    assert sorted(path.name for path in found) == ["fast.abi3.so", "web.py"]
