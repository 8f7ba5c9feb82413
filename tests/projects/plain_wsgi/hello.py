import json
import time
from pathlib import Path

MESSAGES = Path(__file__).parent / "messages"


def hello():
    return "text/plain; charset=utf-8", (MESSAGES / "hello.txt").read_text(encoding="utf-8")


def patched():
    from gevent import monkey

    answer = {"socket": monkey.is_module_patched("socket"), "sleep": monkey.is_object_patched("time", "sleep")}
    return "application/json", json.dumps(answer)


def greenlets():
    import gevent

    def square(number):
        time.sleep(0.2)
        return number * number

    started = time.monotonic()
    jobs = [gevent.spawn(square, number) for number in range(4)]
    gevent.joinall(jobs)
    answer = {"squares": [job.value for job in jobs], "together": time.monotonic() - started < 0.7}
    return "application/json", json.dumps(answer)


ROUTES = {"/": hello, "/patched": patched, "/greenlets": greenlets}


def application(environ, start_response):
    route = ROUTES.get(environ["PATH_INFO"])
    if route is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"nothing here\n"]
    content_type, text = route()
    body = text.encode()
    start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]
