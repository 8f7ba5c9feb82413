from __future__ import annotations

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.modules import read_code
from pystatic_tasks.init.targets import Candidate, Hint, candidates, hinted, others_than, ranked


def found(write: Write, files: dict[str, str], hints: tuple[Hint, ...] = (), project: str = "shop") -> list[Candidate]:
    root = write(files)
    code = read_code(root, [root])
    all_found = candidates(code)
    return ranked([*all_found, *hinted(code, hints, all_found)], hints, project)


def targets(write: Write, files: dict[str, str], hints: tuple[Hint, ...] = ()) -> list[str]:
    return [each.target for each in found(write, files, hints)]


@pytest.mark.parametrize(
    ("source", "target", "framework"),
    [
        ("from flask import Flask\napp = Flask(__name__)", "web:app", "Flask"),
        ("from flask import Flask as F\napp: F = F(__name__)", "web:app", "Flask"),
        ("import flask\nserver = flask.Flask(__name__)", "web:server", "Flask"),
        ("import quart as q\napp = q.Quart(__name__)", "web:app", "Quart"),
        ("from fastapi import FastAPI\napi = FastAPI()", "web:api", "FastAPI"),
        ("from starlette.applications import Starlette\napp = Starlette()", "web:app", "Starlette"),
        ("from litestar import Litestar\napp = Litestar([])", "web:app", "Litestar"),
        ("import falcon\napp = falcon.App()", "web:app", "Falcon"),
        ("import falcon\napp = falcon.API()", "web:app", "Falcon"),
        ("import falcon.asgi as fa\napp = fa.App()", "web:app", "Falcon"),
        ("import falcon.asgi\napp = falcon.asgi.App()", "web:app", "Falcon"),
        ("import bottle\napp = bottle.Bottle()", "web:app", "Bottle"),
        ("import bottle\napp = application = bottle.default_app()", "web:app", "Bottle"),
        (
            "from pyramid.config import Configurator\nwith Configurator() as c:\n    app = c.make_wsgi_app()",
            "web:app",
            "Pyramid",
        ),
        (
            "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()",
            "web:application",
            "Django",
        ),
        (
            "from django.core.asgi import get_asgi_application\nhttp = get_asgi_application()\n"
            "from channels.routing import ProtocolTypeRouter\napplication = ProtocolTypeRouter({'http': http})",
            "web:application",
            "Django",
        ),
        ("def application(environ, start_response):\n    return []", "web:application", "WSGI callable"),
        ("async def app(scope, receive, send):\n    pass", "web:app", "ASGI callable"),
        (
            "class Shop:\n    def __call__(self, environ, start_response):\n        return []\napp = Shop()",
            "web:app",
            "WSGI callable",
        ),
        ("from flask import Flask\nclass Shop(Flask):\n    pass\napp = Shop(__name__)", "web:app", "Flask"),
        (
            "try:\n    from flask import Flask\n    app = Flask('x')\nexcept ImportError:\n    app = None",
            "web:app",
            "Flask",
        ),
        ("import flask, os\napp = flask.Flask('a') if os.name else None", "web:app", "Flask"),
        (
            "from flask import Flask\nfrom x import ProxyFix\ninner = Flask('x')\napp = ProxyFix(inner, x=1)",
            "web:app",
            "Flask",
        ),
        (
            "from flask import Flask\ndef create_app(config=None):\n    app = Flask('x')\n    return app",
            "web:create_app()",
            "Flask",
        ),
        ("from flask import Flask\ndef make_app(*, debug=False):\n    return Flask('x')", "web:make_app()", "Flask"),
        (
            "import fastapi\ndef get_app() -> 'fastapi.FastAPI':\n    return build()\n",
            "web:get_app()",
            "FastAPI",
        ),
        (
            "from flask import Flask\ndef f(name):\n    return Flask(name)\ndef create_app():\n    return f('x')",
            "web:create_app()",
            "Flask",
        ),
        (
            "from flask import Flask\ndef create_app(name):\n    return Flask(name)\napp = create_app('x')",
            "web:app",
            "Flask",
        ),
    ],
)
def test_applications_are_found(write: Write, source: str, target: str, framework: str) -> None:
    best = found(write, {"web.py": source})[0]
    assert (best.target, best.framework) == (target, framework)


@pytest.mark.parametrize(
    "source",
    [
        "from flask import Flask\ndef create_app(config):\n    return Flask(config)",
        "from flask import Flask\ndef create_app(*, config):\n    return Flask(config)",
        "from flask import Flask\nasync def create_app():\n    return Flask('x')",
        "from flask import Flask\nif __name__ == '__main__':\n    app = Flask('x')",
        "from flask import Flask\n_app = Flask('x')",
        "import typer\napp = typer.Typer()",
        "from celery import Celery\napp = Celery()",
        "from shop.elsewhere import Flask\napp = Flask()",
        "import pytest\nfrom flask import Flask\n@pytest.fixture\ndef app():\n    return Flask('x')",
        "def application(environ):\n    return []",
        "app = app",
        "def create_app():\n    return create_app()",
        "from web import app\napp = app",
    ],
)
def test_what_cannot_be_served_is_not_found(write: Write, source: str) -> None:
    assert targets(write, {"web.py": source}) == []


def test_extensions_that_are_given_the_application_are_none(write: Write) -> None:
    source = (
        "from flask import Flask\nfrom x import Api, SQLAlchemy\napp = Flask('x')\napi = Api(app)\ndb = SQLAlchemy(app)"
    )
    assert targets(write, {"web.py": source}) == ["web:app"]


def test_an_application_is_found_where_another_module_makes_it(write: Write) -> None:
    files = {
        "shop/__init__.py": "from .factory import create_app\n",
        "shop/factory.py": "from flask import Flask\ndef create_app():\n    return Flask('x')\n",
        "wsgi.py": "from shop import create_app\napp = create_app()\n",
    }
    assert targets(write, files) == ["wsgi:app", "shop.factory:create_app()"]


FLASK = "from flask import Flask\n"


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["other = Flask('x')", "server = Flask('x')", "application = Flask('x')", "app = Flask('x')"], "web:app"),
        (["other = Flask('x')", "def create_app():\n    return Flask('x')"], "web:create_app()"),
        (["def other():\n    return Flask('x')", "def make_app():\n    return Flask('x')"], "web:make_app()"),
        (["def other():\n    return Flask('x')", "thing = Flask('x')"], "web:thing"),
        (["def app(environ, start_response):\n    pass", "other = Flask('x')"], "web:other"),
    ],
)
def test_the_usual_names_go_first(write: Write, names: list[str], best: str) -> None:
    assert targets(write, {"web.py": FLASK + "\n".join(names)})[0] == best


@pytest.mark.parametrize(
    ("modules", "best"),
    [
        (["zoo", "main"], "main:app"),
        (["main", "wsgi"], "wsgi:app"),
        (["zoo/inner", "zoo/sub/inner"], "zoo.inner:app"),
        (["other/main", "shop/main"], "shop.main:app"),
        (["b", "a"], "a:app"),
    ],
)
def test_the_usual_modules_go_first(write: Write, modules: list[str], best: str) -> None:
    assert targets(write, {f"{name}.py": FLASK + "app = Flask('x')" for name in modules})[0] == best


@pytest.mark.parametrize(
    "hint", [("shop.admin", "app"), ("src.shop.admin", "app"), ("admin", "app"), ("shop.admin", "")]
)
def test_what_other_files_serve_goes_before_all(write: Write, hint: Hint) -> None:
    files = {f"shop/{name}.py": FLASK + "app = Flask('x')" for name in ("web", "admin")}
    assert targets(write, files, (hint,))[0] == "shop.admin:app"


def test_a_name_that_other_files_serve_may_be_imported_or_of_any_make(write: Write) -> None:
    files = {
        "web.py": FLASK + "app = Flask('x')",
        "wsgi.py": "from web import app",
        "odd.py": "import x\nthing = x.make()",
    }
    hints = (("odd", "thing"), ("wsgi", "app"), ("nowhere", "app"), ("web", "nothing"))
    made = found(write, files, hints)
    assert [(each.target, each.framework) for each in made] == [
        ("odd:thing", "served according to the files beside the code"),
        ("wsgi:app", "Flask"),
        ("web:app", "Flask"),
    ]


def test_others_are_those_that_somebody_may_want_instead(write: Write) -> None:
    files = {
        "web.py": FLASK
        + "def create_app():\n    return Flask('x')\napp = create_app()\napplication = app\npublic = Flask('y')",
        "admin.py": FLASK + "app = Flask('x')",
        "factory.py": FLASK + "def create_app():\n    return Flask('x')",
    }
    every = found(write, files)
    chosen = next(each for each in every if each.target == "web:app")
    assert [each.target for each in others_than(chosen, every)] == ["admin:app", "web:public"]


def test_a_django_project_has_no_others(write: Write) -> None:
    files = {
        "config/wsgi.py": "from django.core.wsgi import get_wsgi_application as g\napplication = g()",
        "config/asgi.py": "from django.core.asgi import get_asgi_application as g\napplication = g()",
    }
    every = found(write, files)
    assert every[0].target == "config.wsgi:application"
    assert others_than(every[0], every) == []
