import json
import traceback

from .checks import CHECKS


def outcome(check):
    try:
        return check()
    except Exception:
        return traceback.format_exc()


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    if name and name not in CHECKS:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such check\n"]
    results = {each: outcome(check) for each, check in CHECKS.items() if name in ("", each)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(results).encode()]
