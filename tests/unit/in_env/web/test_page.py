from __future__ import annotations

from dataclasses import replace

import pytest

from pystatic_tasks.in_env.protocol import HttpRequest
from pystatic_tasks.in_env.web.client import Answer
from pystatic_tasks.in_env.web.page import LONGEST, loaded_with

ASKED = HttpRequest(path="/shop/page", method="GET", headers={}, body=None)
PAGE = Answer(status=200, body='<script src="/app.js"></script>', seconds=0, type="text/html")


@pytest.mark.parametrize(
    ("body", "loaded"),
    [
        ('<script defer src="/app.js?v=1#x"></script>', ("/app.js?v=1",)),
        ('<SCRIPT SRC="app.js"></SCRIPT><img src="logo.png"/>', ("/shop/app.js", "/shop/logo.png")),
        ('<base href="./static/"><script src="app.js"></script>', ("/shop/static/app.js",)),
        (
            '<link rel="stylesheet" href="../style.css"><link href="/i.ico" rel="shortcut icon">',
            ("/style.css", "/i.ico"),
        ),
        ('<link rel="modulepreload" href="a.js"><link rel="manifest" href="m.json">', ("/shop/a.js", "/shop/m.json")),
        ('<link rel="next" href="/page/2"><link href="/x"><a href="/logout">Out</a>', ()),
        ('<script src="https://cdn.example/a.js"></script><img src="//cdn.example/a.png">', ()),
        ('<img src="data:image/png;base64,AA"><img src=""><img><script>let a = "<img src=/b>"</script>', ()),
        ('<script type="importmap">{"imports": {"a": "/a.js", "b/": "/b/"}}</script>', ("/a.js",)),
        ('<script type="importmap">[1]</script><script type="importmap">{</script>', ()),
        ('<script type="importmap">' + "[" * 99999 + "</script>", ()),
        ("<style>@import url('/a.css') layer(b); @import \"c.css\";</style>", ("/a.css", "/shop/c.css")),
        ('<script src="/a.js"></script><script src="/a.js"></script>', ("/a.js",)),
        (
            '<img src="http://127.0.0.1:8000/a.png"><img src="https://127.0.0.1"><img src="ftp://127.0.0.1/b">',
            ("/a.png", "/"),
        ),
        ('<img src="/größe.png"><img src="http://[x/">', ()),
        ('<base href="http://[x/"><img src="/a.png">', ()),
        ('<img src="/a.png"><![nothing[', ("/a.png",)),
    ],
)
def test_a_page_names_what_a_browser_loads_with_it(body: str, loaded: tuple[str, ...]) -> None:
    assert loaded_with(ASKED, replace(PAGE, body=body)) == loaded


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "text/plain"},
        {"status": 404},
        {"endless": "an answer of more than 64 MB"},
        {"body": PAGE.body.ljust(LONGEST + 1)},
    ],
)
def test_other_answers_load_nothing(changes: dict[str, object]) -> None:
    assert loaded_with(ASKED, PAGE) == ("/app.js",)
    assert loaded_with(ASKED, replace(PAGE, **changes)) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["shop.example", "Shop.Example:8080"])
def test_whole_addresses_are_of_the_host_that_was_asked_for(host: str) -> None:
    asked = replace(ASKED, headers={"host": host})
    body = '<img src="http://shop.example:8080/a.png"><img src="http://127.0.0.1/b.png"><img src="c.png">'
    assert loaded_with(asked, replace(PAGE, body=body)) == ("/a.png", "/shop/c.png")
