from __future__ import annotations

from typing import Any

import pytest

from pystatic_tasks.in_image.asgi import is_asgi


async def coroutine(scope: Any, receive: Any, send: Any) -> None:
    """An application that is a function."""


class Framework:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """An application that is an object."""


class Wsgi:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class Given(Wsgi):
    """Called as what it was given; it says so in an attribute of its own."""

    def __init__(self, app: Any) -> None:
        self.__call__ = app  # type: ignore[method-assign]


class Slotted:
    __slots__ = ("__call__",)

    def __init__(self, app: Any) -> None:
        self.__call__ = app


class Awaited:
    """Each request is an instance, which is awaited."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any: ...


@pytest.mark.parametrize(
    ("app", "asgi"),
    [
        (coroutine, True),
        (Framework(), True),
        (Framework().__call__, True),
        (Given(coroutine), True),
        (Slotted(coroutine), True),
        (Awaited, True),
        (Framework, False),
        (Wsgi(), False),
        (Slotted(len), False),
        (len, False),
        (lambda e, s: [], False),
    ],
)
def test_an_asgi_application_is_recognised(app: object, asgi: bool) -> None:
    assert is_asgi(app) is asgi
