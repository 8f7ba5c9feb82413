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


@pytest.mark.parametrize(
    ("app", "asgi"), [(coroutine, True), (Framework(), True), (Wsgi(), False), (len, False), (lambda e, s: [], False)]
)
def test_an_asgi_application_is_recognised(app: object, asgi: bool) -> None:
    assert is_asgi(app) is asgi
