from __future__ import annotations

import ast

import pytest

from pystatic_tasks.init.routes import Route, Routes, gathered, handled


def routes(*paths: str, may_serve_root: bool = False) -> Routes:
    return Routes(known=[Route(path=path) for path in paths], may_serve_root=may_serve_root)


def test_where_the_root_is_served_nothing_else_is_asked_first() -> None:
    assert routes("/items", "/").first is None


def test_where_the_root_may_be_served_nothing_else_is_asked_first() -> None:
    assert routes("/items", may_serve_root=True).first is None


def test_otherwise_it_is_the_first_route() -> None:
    assert routes("/items", "/users").first == Route(path="/items")


def test_the_health_goes_before_other_routes() -> None:
    assert routes("/items", "/healthz").first == Route(path="/healthz")


def test_a_root_that_needs_a_login_is_not_asked_if_there_is_another() -> None:
    root = Route(path="/", is_plain=False)
    assert Routes(known=[root, Route(path="/about")]).first == Route(path="/about")
    assert Routes(known=[root]).first is None


def test_a_root_that_redirects_is_asked_if_there_is_no_other() -> None:
    root = Route(path="/", status=307)
    assert Routes(known=[root, Route(path="/docs")]).first == Route(path="/docs")
    assert Routes(known=[root]).first == root


def test_nothing_is_asked_where_nothing_is_known() -> None:
    assert Routes().first is None
    assert routes().first is None


@pytest.mark.parametrize(
    ("paths", "health"),
    [
        (["/", "/ping"], "/ping"),
        (["/status", "/health"], "/health"),
        (["/api/health", "/ping"], "/ping"),
        (["/api/v1/healthz"], "/api/v1/healthz"),
        (["/health/"], "/health/"),
        (["/orders/status", "/", "/healthy"], ""),
    ],
)
def test_the_health_is_told_by_its_name(paths: list[str], health: str) -> None:
    assert routes(*paths).health == health


def test_a_health_that_needs_a_login_is_none() -> None:
    assert Routes(known=[Route(path="/health", is_plain=False)]).health == ""


def test_paths_with_parameters_are_no_routes_to_ask_for() -> None:
    found = gathered([("/items/<int:n>", Route(path="")), ("/{x}", Route(path="")), ("/a", Route(path=""))])
    assert found == Routes(known=[Route(path="/a")], may_serve_root=False)


@pytest.mark.parametrize(("path", "route"), [(None, None), ("", None), ("/", None), ("/{rest:path}", Route(path=""))])
def test_what_is_not_known_may_serve_the_root(path: str | None, route: Route | None) -> None:
    assert gathered([(path, route)]).may_serve_root


def handler(source: str, *, asks_by_arguments: bool = False) -> Route:
    return handled(ast.parse(source).body[0], asks_by_arguments=asks_by_arguments)


@pytest.mark.parametrize(
    ("source", "is_plain"),
    [
        ("def f(): pass", True),
        ("def f(q: str): pass", False),
        ("def f(q: str = ''): pass", True),
        ("def f(request: Request): pass", True),
        ("def f(*, limit): pass", False),
        ("def f(user=Depends(current_user)): pass", False),
    ],
)
def test_what_asks_for_arguments_is_not_plain(source: str, is_plain: bool) -> None:
    assert handler(source, asks_by_arguments=True).is_plain is is_plain
    assert handler(source).is_plain


def test_what_needs_a_login_is_not_plain() -> None:
    assert not handler("@login_required\ndef f(): pass").is_plain


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def f(): return redirect('/docs')", 302),
        ("def f(): return redirect('/docs', code=301)", 301),
        ("def f(): return RedirectResponse('/docs')", 307),
        ("def f(): return responses.RedirectResponse('/docs', status_code=303)", 303),
        ("def f():\n    if x:\n        return redirect('/')\n    return 'hello'", 200),
        ("def f(): pass", 200),
    ],
)
def test_a_redirection_has_its_status(source: str, status: int) -> None:
    assert handler(source).status == status
