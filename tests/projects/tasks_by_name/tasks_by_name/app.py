import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

SHARED = Path(__file__).resolve().parent.parent / "shared"
USED = ["packaging", "six"]


def index():
    return {"service": "tasks", "kinds": "run/KIND/TEXT"}


def run(kind, text):
    task = import_module(".".join([__package__, "kinds", f"{kind}_task"]))
    return {"result": task.run(text)}


def colours():
    return json.loads((SHARED / "colours.json").read_text(encoding="utf-8"))


def versions():
    return {name: bool(version(name)) for name in USED}


def loaded(name):
    return {name: import_module(f"packaging.{name}").__name__}


def zone():
    return {"zone": str(ZoneInfo("Europe/Berlin"))}


ROUTES = {"": index, "run": run, "colours": colours, "versions": versions, "loaded": loaded, "zone": zone}


def application(environ, start_response):
    name, *arguments = environ["PATH_INFO"].strip("/").split("/")
    if name not in ROUTES:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]
    body = json.dumps(ROUTES[name](*arguments)).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
