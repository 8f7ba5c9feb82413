"""`python -m pystatic_tasks.runner package.module:app [arguments of the server]`: the same server, unfrozen."""

from __future__ import annotations

import sys
from pathlib import Path

from .application import import_app
from .main import main
from .servers import find_server

USAGE = """\
usage: python -m pystatic_tasks.runner TARGET [--healthcheck [PATH] | arguments of {kind}]

TARGET is package.module:callable or package.module:factory().
"""


def run(kind: str) -> int:
    """Serve by the server of that name what the first argument of this process names."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(USAGE.format(kind=kind), end="", file=sys.stderr)
        return 2
    target = sys.argv[1]
    sys.path.insert(0, str(Path.cwd()))
    server = find_server(kind)
    return main(server, lambda: import_app(target), {}, {}, sys.argv[2:])
