"""`python -m pystatic_tasks.runner package.module:app [arguments of gunicorn]`: the same server, unfrozen."""

from __future__ import annotations

import sys
from pathlib import Path

from gunicorn.util import import_app

from .server import main

USAGE = """\
usage: python -m pystatic_tasks.runner TARGET [--healthcheck [PATH] | arguments of gunicorn]

TARGET is package.module:callable or package.module:factory().
"""


def run() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(USAGE, end="", file=sys.stderr)
        return 2
    target = sys.argv[1]
    sys.path.insert(0, str(Path.cwd()))
    return main(lambda: import_app(target), {}, {}, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(run())
