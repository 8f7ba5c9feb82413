"""The commands that the documentation shows: each is typed by a test, or stands here with the reason why none can.

A test takes a command by `shown(page, beginning)`, both written out; tests/unit/test_shown.py finds these calls.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import REPOSITORY, clean_environment

# What users read. Commands of the tutorial are those that `pystatic init` prints, and test_adoption.py types these.
PAGES = [
    "README.md",
    *sorted(
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "docs").rglob("*.md")
        if path.name != "tutorial.md"
    ),
]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_CI = "a line of .ci/run"
RELEASED = "takes it from PyPI; the environment of the tests has it"
NOT_DEBIAN = "neither Debian nor PyPI has the program"
FROM_ELSEWHERE = "wants another machine"
OF_A_SERVER = "wants a server's own systemd; test_deployments.py starts the unit in another"
WITH_EMULATOR = "wants an emulator for all containers; test_arm64.py does it in a user namespace with one"
ON_BOTH = ("pip install nox", "pystatic check", "nox -s image -- --in docker", "nox -s smoke -- --in docker")
# By page and beginning; a beginning may stand for several commands.
NOT_TYPED: Mapping[tuple[str, str], str] = {
    ("README.md", "./nox.sh -s smoke"): IN_CI,
    ("README.md", "./nox.sh -s tests integration"): IN_CI,
    ("docs/releasing.md", "./nox.sh -s package"): IN_CI,
    ("docs/peers.md", "./nox.sh -s peers"): "takes an hour; test_peers.py measures two",
    ("docs/how-to.md", "pip install"): RELEASED,
    ("docs/how-to.md", "uv export"): "stands for many",
    ("docs/how-to.md", "docker login"): "asks for a password; test_push.py pushes with one that Docker keeps",
    ("docs/how-to.md", "nox -s smoke -- --in docker --platform linux/amd64,"): WITH_EMULATOR,
    ("docs/how-to.md", "nox -s push -- --in docker --platform linux/amd64,"): WITH_EMULATOR,
    ("docs/places/arm64.md", "nox -s smoke -- --in docker --platform"): WITH_EMULATOR,
    ("docs/how-to.md", "grype"): NOT_DEBIAN,
    ("docs/how-to.md", "trivy"): NOT_DEBIAN,
    ("docs/places/docker.md", "ssh server"): FROM_ELSEWHERE,
    ("docs/places/kubernetes.md", "pip install"): RELEASED,
    **{("docs/places/mac.md", each): "a Mac's; how-to.md has it too" for each in ON_BOTH},
    **{("docs/places/windows.md", each): "Windows'; how-to.md has it too" for each in ON_BOTH},
    ("docs/places/systemd.md", "sudo systemctl"): OF_A_SERVER,
    ("docs/places/systemd.md", "journalctl"): OF_A_SERVER,
}


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        text: What is typed, without the comment behind it.
        printed: What the page shows under it.
    """

    page: str
    text: str
    printed: str

    def typed(
        self,
        folder: Path,
        instead: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        ok: bool = True,
    ) -> str:
        """What it prints in a folder, to both streams.

        Args:
            folder: Where it is typed.
            instead: What stands in the page for something of the reader's own, and what it is here.
            env: Variables for it.
            ok: Whether it succeeds.
        """
        with self.begun(folder, instead or {}, env or {}) as process:
            printed, _ = process.communicate()
        assert (process.returncode == 0) is ok, printed
        return printed

    @contextlib.contextmanager
    def begun(
        self, folder: Path, instead: Mapping[str, str], env: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Its process, and all that this starts as one group, which gets signals as at a terminal; ended afterwards."""
        text = self.text
        for old, new in instead.items():
            assert old in text, f"{old!r} is not in {text!r}"
            text = text.replace(old, new, 1)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = subprocess.Popen(
            ["env", "--default-signal=INT", "bash", "-o", "pipefail", "-c", text],
            cwd=folder,
            env={**clean_environment(), "PATH": path, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)


def as_shown(command: Command, printed: str) -> None:
    """Fails unless each line of the page begins one that was printed, in order; numbers and digests may differ."""
    rest = iter(without_numbers(printed))
    for line in without_numbers(command.printed):
        there = line == "…" or any(each.startswith(line) for each in rest)
        assert there, f"{line!r} is not there, or not in its place:\n{printed}"


def without_numbers(text: str) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{12,}\b|\d+", "N", line).strip() for line in text.splitlines()]


def commands(page: str) -> list[Command]:
    """All commands of a page, in their order."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    found = []
    for block in BLOCK.findall(text):
        for each in re.split(r"^(?=[$>] )", block, flags=re.MULTILINE)[1:]:
            first, _, printed = each.partition("\n")
            found.append(Command(page=page, text=re.split(r"\s+# ", first[2:])[0].strip(), printed=printed))
    return found


def shown(page: str, beginning: str, of: int = 1) -> Command:
    """A command of a page, of those that begin so the `of`th."""
    return [command for command in commands(page) if command.text.startswith(beginning)][of - 1]
