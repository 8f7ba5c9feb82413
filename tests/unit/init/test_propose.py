from __future__ import annotations

from typing import Any

import pytest
from unit.init.conftest import Write

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.look import look
from pystatic_tasks.init.propose import Proposal, propose

PROJECT = '[project]\nname = "shop"\ndependencies = ["flask", "fastapi"]\n'
SCRIPTS = '[project.scripts]\nshop = "shop.cli:main"\nadmin = "shop.cli:admin"\n'
FLASK = "from flask import Flask\napp = Flask('x')\n"


def proposed(write: Write, files: dict[str, str], target: str | None = None) -> Proposal:
    return propose(look(write({"pyproject.toml": PROJECT, **files})), target, "pystatic")


def keys(write: Write, files: dict[str, str], target: str | None = None) -> list[tuple[str, Any]]:
    return list(proposed(write, files, target).keys)


def refused(write: Write, files: dict[str, str], target: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        proposed(write, files, target)
    return str(caught.value)


def test_the_table_is_as_small_as_it_can_be(write: Write) -> None:
    assert keys(write, {"shop.py": FLASK}) == [("app", "shop:app")]


def test_a_health_check_and_the_first_request_follow_from_the_routes(write: Write) -> None:
    source = FLASK + "@app.get('/items')\ndef f(): pass\n@app.get('/up')\ndef g(): pass\n"
    assert keys(write, {"shop.py": source}) == [
        ("app", "shop:app"),
        ("image.healthcheck", "/up"),
        ("smoke.requests", [{"path": "/up"}]),
    ]


def test_a_redirection_is_asked_for_with_its_status(write: Write) -> None:
    source = FLASK + "@app.get('/')\ndef f(): return redirect('/x/1')\n"
    assert keys(write, {"shop.py": source}) == [
        ("app", "shop:app"),
        ("smoke.requests", [{"path": "/", "status": 302}]),
    ]


def test_what_is_configured_already_is_not_proposed(write: Write) -> None:
    files = {
        "pyproject.toml": PROJECT + '[tool.pystatic-tasks]\nsmoke.requests = []\nimage.healthcheck = "/x"\n',
        "shop.py": FLASK + "@app.get('/up')\ndef g(): pass\n",
    }
    assert keys(write, files) == [("app", "shop:app")]


def test_a_command_is_asked_for_its_help(write: Write) -> None:
    made = proposed(write, {"pyproject.toml": PROJECT + SCRIPTS, "shop/cli.py": "def main(): pass\n"})
    assert made.keys == (("command", "shop"), ("smoke.command", ["--help"]))
    assert made.lines == (
        "target     shop (a command in [project.scripts])",
        "           or admin; to choose it: pystatic init --target 'admin'",
        "layout     modules below this folder, installed by pip",
    )


def test_an_application_goes_before_a_command(write: Write) -> None:
    files = {"pyproject.toml": PROJECT + SCRIPTS, "shop/web.py": FLASK}
    assert keys(write, files) == [("app", "shop.web:app")]


def test_other_applications_are_told_and_how_to_take_them(write: Write) -> None:
    made = proposed(write, {"shop/web.py": FLASK, "shop/zoo.py": FLASK, "shop/bad.py": "def\n"})
    assert made.lines == (
        "target     shop.web:app (Flask, in shop/web.py, line 2)",
        "           or shop.zoo:app; to choose it: pystatic init --target 'shop.zoo:app'",
        "layout     modules below this folder, installed by pip",
        "skipped    shop/bad.py, line 1: invalid syntax",
    )


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"src/shop.py": FLASK}, "layout     modules below src, installed by pip"),
        (
            {"pyproject.toml": "", "requirements.txt": "flask", "a.py": FLASK},
            "layout     modules below this folder, used in place; requirements.txt is installed",
        ),
        (
            {"pyproject.toml": "", "src/a.py": FLASK, "b.py": ""},
            "layout     modules below src and this folder, used in place; "
            "nothing is installed: there is no requirements.txt",
        ),
        (
            {"pyproject.toml": "[tool.pystatic-tasks]\nrequirements = ['flask']\n", "a.py": FLASK},
            "layout     modules below this folder, used in place; the packages in requirements are installed",
        ),
        (
            {"uv.lock": "", "a.py": FLASK},
            "layout     modules below this folder, used in place; the packages in uv.lock are installed",
        ),
    ],
)
def test_the_layout_is_told(write: Write, files: dict[str, str], line: str) -> None:
    assert line in proposed(write, files).lines


def test_what_pip_cannot_install_is_told(write: Write) -> None:
    made = proposed(write, {"shop/web.py": FLASK, "jobs/x.py": "", "alembic/env.py": "", "static/x.css": ""})
    assert made.lines[2:] == (
        "note       pip cannot install this folder: setuptools cannot choose between alembic, jobs, shop, static.",
        '           Add to pyproject.toml: [tool.setuptools.packages.find] with include = ["jobs*", "shop*"]',
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("shop.web:app", [("app", "shop.web:app")]),
        ("shop.web:make('x')", [("app", "shop.web:make('x')")]),
        ("scripts.serve:app", [("app", "scripts.serve:app")]),
        ("admin", [("command", "admin"), ("smoke.command", ["--help"])]),
        ("jobs/run.py", [("script", "jobs/run.py")]),
    ],
)
def test_the_user_may_name_the_target(write: Write, target: str, expected: list[tuple[str, Any]]) -> None:
    files = {"pyproject.toml": PROJECT + SCRIPTS, "shop/web.py": FLASK, "jobs/run.py": "", "scripts/serve.py": FLASK}
    assert keys(write, files, target) == expected


def test_a_named_target_is_told_as_what_it_is(write: Write) -> None:
    files = {"shop/web.py": FLASK}
    assert proposed(write, files, "shop.web:app").lines[0] == "target     shop.web:app (Flask, in shop/web.py, line 2)"
    assert proposed(write, files, "shop.web:x").lines[0] == "target     shop.web:x (from --target, in shop/web.py)"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "shop.wbe:app",
            '--target names "shop.wbe:app", but there is no module "shop.wbe" below this folder.\n'
            'Correct it; did you mean "shop.web"?',
        ),
        (
            "shop-web:app",
            '--target names "shop-web:app", which is not a valid target; write "package.module:callable" or '
            '"package.module:factory()".\nCorrect it.',
        ),
        (
            "shop.web",
            '--target names "shop.web", which is neither an application ("package.module:callable"), a command in '
            '[project.scripts], nor a script in {root}.\nCorrect it; did you mean "shop.web:app"?',
        ),
    ],
)
def test_a_target_that_is_not_there_is_told(write: Write, target: str, message: str) -> None:
    files = {"shop/web.py": FLASK}
    assert refused(write, files, target) == message.format(root=write({}))


def test_without_any_code_no_target_is_near(write: Write) -> None:
    assert refused(write, {}, "a:b") == (
        '--target names "a:b", but there is no module "a" below this folder.\nCorrect it; the project has no modules'
    )
    assert refused(write, {}, "a").endswith("\nCorrect it.")


def test_if_nothing_is_found_it_is_told_what_was_looked_for(write: Write) -> None:
    assert refused(write, {"shop.py": "def\n"}) == (
        f"Found nothing to serve in {write({})}. Looked for:\n"
        "  a Flask, Quart, FastAPI, Starlette, Litestar, Falcon, Bottle, Pyramid or Django application\n"
        "  a callable with WSGI arguments (environ, start_response) or ASGI arguments (scope, receive, send)\n"
        "  a function without required arguments that returns one of these\n"
        "  a command in [project.scripts] of pyproject.toml\n"
        "  skipped: shop.py, line 1: invalid syntax\n"
        "Name the target: pystatic init --target package.module:callable, or a script that serves: --target main.py."
    )


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ('app = "a:b"', 'target     already configured: app = "a:b"'),
        ('command = "shop"', 'target     already configured: command = "shop"'),
        ('images.web.app = "a:b"\nimages.worker.script = "x.py"', "target     already configured: images web, worker"),
    ],
)
def test_a_target_that_is_configured_stays(write: Write, table: str, line: str) -> None:
    made = proposed(write, {"pyproject.toml": f"{PROJECT}[tool.pystatic-tasks]\n{table}\n", "shop.py": FLASK})
    assert (made.keys, made.lines) == ((), (line,))


def test_another_target_than_the_configured_one_is_not_written(write: Write) -> None:
    files = {"pyproject.toml": PROJECT + '[tool.pystatic-tasks]\napp = "a:b"\n', "shop.py": FLASK}
    assert refused(write, files, "shop:app") == (
        f'{write({})}/pyproject.toml has app = "a:b" already, but --target names another target.\n'
        "Change it there yourself, or run init without --target."
    )
    assert keys(write, files, "a:b") == []
