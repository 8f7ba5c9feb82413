import json

from .routes import ROUTES

__all__ = ["application"]


def answer(path):
    if path == "/":
        return 200, sorted(ROUTES)
    if path not in ROUTES:
        return 404, {"error": "not found"}
    try:
        return 200, ROUTES[path]()
    except LookupError as error:
        return 400, {"error": error.args[0]}
    except Exception as error:
        return 500, {"error": f"{type(error).__name__}: {error}"}


def application(environ, start_response):
    status, content = answer(environ["PATH_INFO"])
    start_response(f"{status} .", [("Content-Type", "application/json")])
    return [json.dumps(content).encode()]
