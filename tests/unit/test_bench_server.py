"""How the servers that are measured are started and ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.server import Question, Variant, serving, wait_until_free
from pystatic_tasks.in_env.web.client import free_port

# A server that does not care for TERM, with a child that has its socket too.
SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"fine": true}')
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1].partition(":")[2])), Handler)
os.fork()
server.serve_forever()
"""


def test_who_is_killed_is_gone_at_once_with_its_children(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER]
    variant = Variant(
        name="stubborn", command=command, is_killed=True, question=Question(path="/", answer={"fine": True})
    )
    with serving(variant, port, tmp_path / "server.log") as (_, seconds):
        assert seconds > 0
        ended = time.monotonic()
    wait_until_free(port)
    assert time.monotonic() - ended < 5
