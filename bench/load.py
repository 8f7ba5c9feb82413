"""`python -m bench.load`: ten minutes of requests at half a processor, while workers are killed, replaced and upgraded.

Plain Python and the one file in turn, by the same changes at the same moments: what is lost by the one is held against
what is lost by the other, and nothing may be left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.build import REPOSITORY, build
from bench.containers import DEBIANS_PYTHON
from bench.server import BenchError, Variant, ask, serving
from pystatic_tasks.engines.local import children, descendants

CLIENTS = 4
SECONDS_BETWEEN = (0.5, 3.0)
# A worker that is told to end has this long for what it has begun.
SETTLE_SECONDS = 10.0
MEMORY = Path("/dev/shm")
SPINNING = "while True: pass"


@dataclass
class Tally:
    """What came of the requests to one variant, and what was done to it meanwhile."""

    answered: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--python", default=str(DEBIANS_PYTHON), help="interpreter to build with")
    parser.add_argument("--port", type=int, default=8765, help="port of 127.0.0.1 to serve on")
    parser.add_argument("--seconds", type=float, default=600.0, help="of load for each")
    parser.add_argument("--seed", type=int, default=1, help="of what is done when")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build/bench", help="where to build")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        built = build(options.folder, options.python)
        variants = [each for each in built.processes() if each.name in ("plain Python", "onefile")]
        tallies = {each.name: load(each, options) for each in variants}
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    for name, tally in tallies.items():
        print(f"{name}: {tally.answered:,} answered, lost: {shown(tally.lost)}; done: {shown(tally.changes)}")
    left = sorted(path.name for path in MEMORY.glob("onefile-*"))
    print(f"left in {MEMORY}: {', '.join(left) or 'nothing'}")
    return 1 if left else 0


def shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def load(variant: Variant, options: argparse.Namespace) -> Tally:
    """Ask a variant all the time, while things are done to it."""
    tally, over = Tally(), threading.Event()
    log, pidfile = options.folder / "load.log", options.folder / "load.pid"
    pidfile.unlink(missing_ok=True)
    with busy_processor(), serving(variant, options.port, log, "--pid", str(pidfile), "--workers", "3"):
        clients = [threading.Thread(target=ask_on, args=(variant, options.port, tally, over)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            change_on(variant, pidfile, tally, random.Random(options.seed), options.seconds)
        finally:
            over.set()
            for client in clients:
                client.join()
        end(int(pidfile.read_text()))
    return tally


@contextlib.contextmanager
def busy_processor() -> Iterator[None]:
    """Let what is started from here on share one processor with somebody who never rests."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    spinner = subprocess.Popen([sys.executable, "-c", SPINNING])
    try:
        yield
    finally:
        spinner.kill()
        spinner.wait()
        os.sched_setaffinity(0, before)


def ask_on(variant: Variant, port: int, tally: Tally, over: threading.Event) -> None:
    while not over.is_set():
        try:
            ask(variant, port, SETTLE_SECONDS)
            tally.answered += 1
        except BenchError as error:
            tally.lost[str(error)] += 1
        except (OSError, ValueError, http.client.HTTPException) as error:
            tally.lost[type(error).__name__] += 1


def change_on(variant: Variant, pidfile: Path, tally: Tally, choose: random.Random, seconds: float) -> None:
    """Do one thing after another to the master process, whichever that is by then."""
    changes: dict[str, Callable[[int], None]] = {
        "kills": kill_a_worker,
        "reloads": lambda master: os.kill(master, signal.SIGHUP),
        "workers more": lambda master: os.kill(master, signal.SIGTTIN),
        "workers less": lambda master: os.kill(master, signal.SIGTTOU),
        "upgrades": lambda master: upgrade(master, pidfile),
        "health checks": lambda master: check_health(variant),
    }
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        time.sleep(choose.uniform(*SECONDS_BETWEEN))
        name = choose.choice(list(changes))
        changes[name](int(pidfile.read_text()))
        tally.changes[name] += 1


def kill_a_worker(master: int) -> None:
    for worker in sorted(children(master))[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def upgrade(master: int, pidfile: Path) -> None:
    """As gunicorn's documentation has it: a new master beside the old one, which ends when the new one serves.

    By TERM: at QUIT gunicorn drops the requests that its workers have begun, with an answer of 500.
    """
    os.kill(master, signal.SIGUSR2)
    new = pidfile.with_name(f"{pidfile.name}.2")
    wait_for(new.exists)
    wait_for(lambda: bool(descendants(int(new.read_text()))))
    os.kill(master, signal.SIGTERM)
    wait_for(lambda: not new.exists())


def check_health(variant: Variant) -> None:
    """The one file asks itself; plain Python cannot."""
    if variant.name == "onefile":
        result = subprocess.run([*variant.command, "--healthcheck", "/health"], capture_output=True, check=False)
        if result.returncode:
            raise BenchError(f"The health check ended with {result.returncode}: {result.stderr.decode()}")


def wait_for(condition: Callable[[], bool]) -> None:
    stop = time.monotonic() + 3 * SETTLE_SECONDS
    while not condition():
        if time.monotonic() > stop:
            raise BenchError("What was done to the server had no effect.")
        time.sleep(0.05)


def end(master: int) -> None:
    """The last master, which may be no child of this process."""
    os.kill(master, signal.SIGTERM)
    wait_for(lambda: not Path(f"/proc/{master}").exists() or is_dead(master))


def is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    sys.exit(main())
