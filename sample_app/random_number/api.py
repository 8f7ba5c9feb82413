"""The API: `GET /` gives a random number, `GET /health` says that the service is well.

`GET /?min=1&max=6` gives one between bounds, both included.
"""

from __future__ import annotations

import random

import falcon

DEFAULT_BOUNDS = (0, 100)
LARGEST_BOUND = 2**53 - 1  # The largest whole number that every JSON reader takes exactly.


class RandomNumber:
    """A random whole number between two bounds."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        low, high = (
            req.get_param_as_int(name, min_value=-LARGEST_BOUND, max_value=LARGEST_BOUND, default=default)
            for name, default in zip(("min", "max"), DEFAULT_BOUNDS, strict=True)
        )
        if low > high:
            raise falcon.HTTPBadRequest(
                title="Bounds are crossed", description=f'"min" is {low} and must not be above "max", which is {high}.'
            )
        resp.media = {"number": random.randint(low, high), "min": low, "max": high}


class Health:
    """Says that the service is well."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok"}


def create_app() -> falcon.App[falcon.Request, falcon.Response]:
    """The WSGI application."""
    app = falcon.App()
    app.add_route("/", RandomNumber())
    app.add_route("/health", Health())
    return app


app = create_app()
