"""Python's `-m`, run by processes that are forked from one which has loaded what they import, and so start at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Each line is a command; the process that is to run it leaves the loop. It ends as any Python does, except that it does
# not take apart what was loaded before, which takes longer than most commands.
SERVE = """
import atexit, gc, importlib, json, os, runpy, signal, sys, threading

for name in sys.argv[1:]:
    importlib.import_module(name)
gc.freeze()
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
else:
    sys.exit()
asked = json.loads(line)
signal.alarm(60)
for number, path in enumerate(asked["streams"]):
    os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
os.chdir(asked["cwd"])
sys.path[0] = os.getcwd()
os.environ.clear()
os.environ.update(asked["env"])
module, *sys.argv[1:] = asked["command"]
code = None
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as ended:
    code = ended.code
    if not isinstance(code, int | None):
        raise
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code or 0)
"""


@dataclass(frozen=True)
class Forked:
    """A Python from which others are forked."""

    process: subprocess.Popen[str]

    def run(
        self,
        *command: str,
        cwd: Path,
        env: Mapping[str, str] = os.environ,
        stdin: str = os.devnull,
        together: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """What `python -m` does with these words; it is killed after a minute.

        Args:
            command: The module, and its arguments.
            cwd: Where it is run.
            env: Its variables.
            stdin: The file that it reads.
            together: Whether standard output gets the errors too.
        """
        assert self.process.stdin
        assert self.process.stdout
        with tempfile.NamedTemporaryFile("r") as stdout, tempfile.NamedTemporaryFile("r") as stderr:
            streams = (stdin, stdout.name, stdout.name if together else stderr.name)
            asked = {"command": command, "cwd": str(cwd), "env": dict(env), "streams": streams}
            self.process.stdin.write(json.dumps(asked) + "\n")
            code = int(self.process.stdout.readline())
            return subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())


@contextmanager
def forked(*modules: str) -> Iterator[Forked]:
    """A Python that has loaded these modules."""
    command = [sys.executable, "-c", SERVE, *modules]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        yield Forked(process)
