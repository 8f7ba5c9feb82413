"""A shell beside the program, at a terminal, in every engine."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import Project, clean_environment, engine_or_skip, let_others_pass, tool_or_skip

from pystatic_tasks.config.model import ENGINE_NAMES, EngineName
from pystatic_tasks.engines.registry import engine_called

SECONDS = 60
# Busybox asks the terminal where its cursor is.
ASKS = b"\x1b[6n"


class Typist:
    """Whoever sits at a terminal, and waits for a prompt before typing a line."""

    def __init__(self, command: list[str], folder: Path, **variables: str) -> None:
        self.ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [tool_or_skip("setsid"), "--ctty", "env", "--default-signal=INT", *command],
            cwd=folder,
            env={**clean_environment(), "TERM": "dumb", "NO_COLOR": "1", **variables},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def until(self, prompt: bytes) -> str:
        """What is written up to a prompt, or to the end."""
        written, end = b"", time.monotonic() + SECONDS
        while not written.replace(ASKS, b"").endswith(prompt) or not prompt:
            assert select.select([self.ours], [], [], max(0.0, end - time.monotonic()))[0], written
            try:
                written += os.read(self.ours, 2**16)
            except OSError:
                break
        return written.replace(ASKS, b"").replace(b"\r\n", b"\n").decode(errors="replace")

    def type(self, line: str, prompt: bytes = b"~ $ ") -> str:
        """What is answered to a line."""
        self.wait_for_reader()
        os.write(self.ours, f"{line}\n".encode())
        answer = self.until(prompt).partition("\n")[2]
        return answer.removesuffix(prompt.decode()).strip()

    def interrupt(self, prompt: bytes = b"~ $ ") -> str:
        """What is answered to Ctrl-C."""
        self.wait_for_reader()
        os.write(self.ours, b"\x03")
        return self.until(prompt)

    def wait_for_reader(self) -> None:
        """Whoever has just shown a prompt may not read yet; Python then looks at signals after the next line only."""
        time.sleep(0.5)

    def leave(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


def look_inside(project: Project, engine: EngineName, temporary: Path, *options: str) -> str:
    """What is said after somebody has looked around."""
    nox = [sys.executable, "-m", "nox", "-s", "shell", "--", "--engine", engine, *options]
    typist = Typist(nox, project.root, TMPDIR=str(temporary))
    try:
        before = typist.until(b"~ $ ")
        assert f"nox > a shell in sample-app ({engine}, as user 65535:65535); exit ends it\n" in before
        assert "nox >   /sample-app is the program; python is its interpreter\n" in before
        assert typist.type("ls -d /sample-app /.shell") == "/.shell      /sample-app"
        assert typist.type("id -u") == "65535"
        assert "Read-only file system" in typist.type("touch /x") or engine == "proot"
        assert typist.type('python -c "import falcon, sys; print(falcon.App.__name__, sys.argv)" a') == (
            "App ['-c', 'a']"
        )
        typist.type("python", b">>> ")
        assert typist.type("40 + 2", b">>> ") == "42"
        assert "KeyboardInterrupt" in typist.interrupt(b">>> ")
        typist.type("exit()")
        os.write(typist.ours, b"sleep 60\n")
        typist.until(b"sleep 60\r\n")
        typist.interrupt()
        os.write(typist.ours, b"exit 3\n")
        after = typist.until(b"")
        assert typist.process.wait(SECONDS) == 0, after
        return after
    finally:
        typist.leave()


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_people_look_inside_and_leave_nothing_in(engine: EngineName, sample: Project, tmp_path: Path) -> None:
    engine_or_skip(engine)
    tool_or_skip("busybox")
    # PRoot has become another user when it looks there.
    let_others_pass(tmp_path)
    before = {path: path.read_bytes() for path in sample.result("").iterdir()}
    after = look_inside(sample, engine, tmp_path)
    assert "nox > the shell ended with exit code 3\n" in after
    assert {path: path.read_bytes() for path in sample.result("").iterdir()} == before
    assert not list(sample.root.glob("build/pystatic/sample-app/shell-*"))
    assert list(tmp_path.glob("pystatic-*")) == []
    if engine_called(engine).keeps_images:
        for command in (["images", "--format", "{{.Repository}}:{{.Tag}}"], ["ps", "--all", "--format", "{{.Names}}"]):
            listed = subprocess.run([engine, *command], capture_output=True, text=True, check=True).stdout
            assert "localhost/sample-app:shell" not in listed.splitlines()


def test_in_a_tree_too_and_words_are_run_without_anybody(sample_copy: Project, tmp_path: Path) -> None:
    engine_or_skip("sandbox")
    tool_or_skip("busybox")
    words = ("--layout", "tree", "--engine", "sandbox")
    try:
        assert "nox > the shell ended with exit code 3\n" in look_inside(sample_copy, "sandbox", tmp_path, *words)
        printed = sample_copy.nox(
            "-s", "shell", "--", *words, "--", "python", "-c", "import sys; print(sys.executable)"
        )
        assert "\n/usr/local/bin/python3." in printed
        printed = sample_copy.nox("-s", "shell", "--", *words, "--", "cat", "/nowhere", ok=False)
        assert "nox > Session shell aborted: cat ended with exit code 1 in sample-app.\n" in printed
    finally:
        # As others expect it, in one file.
        sample_copy.nox("-s", "image", "--", "--engine", "sandbox")
