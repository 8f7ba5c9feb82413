import importlib.metadata
import tempfile
import threading
from contextlib import suppress
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from bottle import Bottle, SimpleTemplate, request

PAGE = SimpleTemplate("""\
<h1>{{now}}</h1>
<p>A clock for {{visitor}}</p>
<ul>
% for place in places:
<li>{{place}}</li>
% end
</ul>
""")

app = Bottle()
# Set by gunicorn.conf.py in each worker.
forked_by = None
settings = {}
collector = None

seen = set()  # Names of metrics.


@app.get("/")
def index():
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return PAGE.render(now=now, visitor=request.query.get("visitor", "you"), places=["London", "Berlin <3"])


@app.get("/hook")
def hook():
    return {"hook": forked_by}


@app.get("/threads")
def threads():
    return {**settings, "main_thread": threading.current_thread() is threading.main_thread()}


@app.get("/at/<seconds:int>")
def at(seconds):
    return {"time": datetime.fromtimestamp(seconds, timezone.utc).isoformat()}


@app.get("/in/<zone:path>")
def in_zone(zone):
    """No time zones were asked for, and tzdata is not among the dependencies."""
    start = datetime.fromtimestamp(0, ZoneInfo(zone))
    return {"time": start.isoformat(), "zone": start.tzname()}


@app.get("/note")
def note():
    """Temporary files can be written, though the root is read-only."""
    with tempfile.TemporaryFile("w+") as file:
        file.write("ticking")
        file.seek(0)
        return {"note": file.read()}


@app.get("/version/<name>")
def version(name):
    """By a name that no analysis can see."""
    return {"is_known": importlib.metadata.version(name)[0].isdigit()}


@app.get("/metrics")
def metrics():
    with suppress(BlockingIOError):
        while True:
            seen.add(collector.recv(1000).decode().partition(":")[0])
    return {"names": sorted(seen)}
