from __future__ import annotations

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.modules import read_code
from pystatic_tasks.init.route_calls import declared_routes
from pystatic_tasks.init.routes import Routes
from pystatic_tasks.init.targets import candidates


def routes(write: Write, files: dict[str, str]) -> Routes:
    root = write(files)
    code = read_code(root, [root])
    return declared_routes(code, candidates(code)[0])


def known(write: Write, source: str) -> tuple[list[str], bool]:
    found = routes(write, {"web.py": source})
    return [each.path for each in found.known if each.answers], found.may_serve_root


FLASK = "from flask import Flask, Blueprint\napp = Flask('x')\n"
FASTAPI = "from fastapi import APIRouter, Depends, FastAPI\napp = FastAPI(openapi_url=None)\n"
STARLETTE = "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n"
FALCON = """\
import falcon
class A:
    def on_get(self, q, r): pass
class B:
    def on_post(self, q, r): pass
app = falcon.App()
"""
BOTTLE = "import bottle\nfrom bottle import route, get\napp = bottle.default_app()\n"
PYRAMID = "from pyramid.config import Configurator\nc = Configurator()\napp = c.make_wsgi_app()\n"
LITESTAR = "from litestar import Controller, Litestar, get, post\napp = Litestar([])\n"


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        (FLASK + "@app.route('/')\ndef f(): pass", ["/"]),
        (FLASK + "@app.get('/a')\ndef f(): pass\n@app.post('/b')\ndef g(): pass", ["/a"]),
        (FLASK + "@app.route('/a', methods=['GET', 'POST'])\ndef f(): pass", ["/a"]),
        (FLASK + "@app.route('/a', methods=['POST'])\ndef f(): pass", []),
        (FLASK + "app.add_url_rule('/a', view_func=f)", ["/a"]),
        (FLASK + "b = Blueprint('b', 'b')\n@b.get('/a')\ndef f(): pass\napp.register_blueprint(b)", ["/a"]),
        (
            FLASK + "b = Blueprint('b', 'b', url_prefix='/b')\n@b.get('/a')\ndef f(): pass\napp.register_blueprint(b)",
            ["/b/a"],
        ),
        (
            FLASK + "b = Blueprint('b', 'b', url_prefix='/b')\n@b.get('/')\ndef f(): pass\n"
            "app.register_blueprint(b, url_prefix='/c')",
            ["/c/"],
        ),
        (FLASK + "b = Blueprint('b', 'b')\n@b.get('/a')\ndef f(): pass", []),
        (
            FLASK + "a = Blueprint('a', 'a', url_prefix='/a')\nb = Blueprint('b', 'b', url_prefix='/b')\n"
            "@b.get('/c')\ndef f(): pass\na.register_blueprint(b)\napp.register_blueprint(a)",
            ["/a/b/c"],
        ),
        (
            "from flask import Flask\ndef f():\n    a = Flask('x')\n    @a.get('/a')\n    def g(): pass\n    return a",
            ["/a"],
        ),
        (FASTAPI + "@app.get('/a')\nasync def f(): pass", ["/a"]),
        (FASTAPI + "@app.get('/a')\nasync def f(q: str): pass", []),
        (FASTAPI + "@app.api_route(path='/a')\nasync def f(): pass", ["/a"]),
        (
            FASTAPI + "r = APIRouter(prefix='/r')\n@r.get('')\ndef f(): pass\n@r.get('/{n}')\ndef g(n): pass\n"
            "app.include_router(r, prefix='/v1')",
            ["/v1/r"],
        ),
        (
            "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/a')\ndef f(): pass",
            ["/a", "/openapi.json"],
        ),
        (
            STARLETTE
            + "async def f(r): pass\napp = Starlette(routes=[Route('/', f), Route('/p', f, methods=['POST'])])",
            ["/"],
        ),
        (
            STARLETTE + "app = Starlette(routes=[Mount('/v1', routes=[Route('/a', f)]), Route('/b', f)])",
            ["/v1/a", "/b"],
        ),
        (FALCON + "app.add_route('/a', A())\napp.add_route('/b', B())", ["/a"]),
        (FALCON + "a = A()\napp.add_route('/a', a)", ["/a"]),
        (FALCON + "app.add_route('/a', unknown)", []),
        (
            BOTTLE + "@route('/a')\ndef f(): pass\n@app.get('/b')\ndef g(): pass\n@get('/c/<n>')\ndef h(n): pass",
            ["/a", "/b"],
        ),
        (PYRAMID + "c.add_route('a', '/a')\nc.add_route('b', '/b/{n}')", ["/a"]),
        (LITESTAR + "@get('/a')\nasync def f() -> str: pass\n@post('/b')\nasync def g() -> str: pass", ["/a"]),
    ],
)
def test_routes_are_known(write: Write, source: str, paths: list[str]) -> None:
    found, may_serve_root = known(write, source)
    assert found == paths
    assert not may_serve_root


@pytest.mark.parametrize(
    "source",
    [
        FLASK + "for each in blueprints:\n    app.register_blueprint(each)",
        FLASK + "b = Blueprint('b', 'b', url_prefix=PREFIX)\n@b.get('/')\ndef f(): pass\napp.register_blueprint(b)",
        FLASK + "@app.get(PATH)\ndef f(): pass",
        FLASK + "@somewhere.get('/')\ndef f(): pass",
        FLASK + "api.add_resource(Root, '/')",
        FASTAPI + "app.mount('/', StaticFiles(directory='x', html=True))",
        FASTAPI + "@app.get('/{rest:path}')\ndef f(rest): pass",
        FASTAPI + "app.include_router(make_router())",
        STARLETTE + "app = Starlette(routes=[Mount('/', routes=more)])",
        STARLETTE + "app = Starlette(routes=[Mount('/', app=static)])",
        FALCON + "app.add_sink(f)",
        LITESTAR + "class C(Controller):\n    @get('/')\n    def f(self): pass",
    ],
)
def test_what_may_serve_the_root_is_seen(write: Write, source: str) -> None:
    assert known(write, source)[1]


def test_what_is_mounted_below_a_path_does_not_serve_the_root(write: Write) -> None:
    assert known(write, FASTAPI + "app.mount('/static', StaticFiles())\napp.include_router(x, prefix='/x')") == (
        [],
        False,
    )


def test_routes_are_found_in_other_modules(write: Write) -> None:
    files = {
        "shop/__init__.py": "from flask import Flask\nfrom .cart import bp as cart\nfrom .pages import add_pages\n"
        "def create_app():\n    app = Flask('x')\n    app.register_blueprint(cart)\n    add_pages(app)\n    return app",
        "shop/cart.py": "from flask import Blueprint\nbp = Blueprint('c', 'c', url_prefix='/cart')\n"
        "@bp.get('/')\ndef f(): pass",
        "shop/pages.py": "def add_pages(app):\n    @app.get('/about')\n    def about(): pass",
    }
    assert [each.path for each in routes(write, files).known] == ["/cart/", "/about"]


def test_routers_that_are_mounted_in_a_circle_end(write: Write) -> None:
    source = FASTAPI + "r = APIRouter()\nr.include_router(r)\napp.include_router(r)\n@r.get('/a')\ndef f(): pass"
    assert known(write, source) == (["/a"], False)
