"""Asks a credential helper, within limits: https://github.com/docker/docker-credential-helpers"""

from __future__ import annotations

import contextlib
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.answers import parse_json
from pystatic_tasks.system.texts import printable

NOT_FOUND = "credentials not found"  # Part of a helper's output if it has none.
MOST_SECONDS = 60
LARGEST_OUTPUT = 10**6
CHUNK = 2**16


class LimitError(Exception):
    """A helper takes too long or prints too much; completes the sentence "The helper failed: …"."""


def ask_helper(program: str, server: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """User name and secret for a server; None if the helper has none.

    Raises:
        PushError: it does not exist, or fails.
    """
    path = shutil.which(program, path=environment.get("PATH"))
    name = printable(program)
    if path is None:
        raise PushError(
            f"Docker's configuration names the credential helper {name}, which is not on the PATH.",
            "Install it, or remove it from the configuration.",
        )
    try:
        code, output, errors = run_helper(path, server)
        if code == 0:
            return read_answer(output)
        if NOT_FOUND.encode() in output + errors:
            return None
        why = f"it ended with {code}"
    except LimitError as error:
        why = str(error)
    except (ValueError, LookupError, TypeError):
        why = "its answer is not what a credential helper gives"
    except OSError as error:
        why = f"it cannot be run: {error.strerror}"
    # Its output may contain secrets.
    raise PushError(f"The credential helper {name} failed: {why}.", f"Try it: echo {server} | {name} get.") from None


def run_helper(path: str, server: str) -> tuple[int, bytes, bytes]:
    """Exit code, output and error output.

    Raises:
        OSError: it cannot be run.
        LimitError: it takes too long, or prints too much.
    """
    end = time.monotonic() + MOST_SECONDS
    pipe = subprocess.PIPE
    with subprocess.Popen([path, "get"], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            # It may end without reading it; Windows then has no BrokenPipeError.
            with contextlib.suppress(OSError):
                process.stdin.write(server.encode())
            process.stdin.close()
            output, errors = read_pipes([process.stdout, process.stderr], end)
            return process.wait(max(0, end - time.monotonic())), output, errors
        except (queue.Empty, subprocess.TimeoutExpired):
            raise LimitError(f"it gave no answer within {MOST_SECONDS} seconds") from None
        finally:
            process.kill()


def read_pipes(pipes: Sequence[IO[bytes]], end: float) -> list[bytes]:
    """What is printed into pipes before they are closed.

    Raises:
        queue.Empty: one is still open at the time `end`.
        LimitError: too much is printed into one.
    """
    ended: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()

    def read(number: int) -> None:
        ended.put((number, read_within_limit(pipes[number])))

    for number in range(len(pipes)):
        threading.Thread(target=read, args=[number], daemon=True).start()
    contents = [b""] * len(pipes)
    for _ in pipes:
        number, content = ended.get(timeout=max(0, end - time.monotonic()))
        if len(content) > LARGEST_OUTPUT:
            raise LimitError(f"it printed more than {LARGEST_OUTPUT // 10**6} MB")
        contents[number] = content
    return contents


def read_within_limit(pipe: IO[bytes]) -> bytes:
    content = b""
    # A process that the helper started may keep the pipe open until we close it.
    with contextlib.suppress(OSError, ValueError):
        while len(content) <= LARGEST_OUTPUT and (chunk := pipe.read(CHUNK)):
            content += chunk
    return content


def read_answer(output: bytes) -> tuple[str, str] | None:
    """User name and secret in a helper's answer; None if the secret is empty.

    Raises:
        ValueError, LookupError, TypeError: it is not an answer of a helper.
    """
    answer = parse_json(output)
    username, secret = answer["Username"], answer["Secret"]
    if not (isinstance(username, str) and isinstance(secret, str)):
        raise TypeError
    return (username, secret) if secret else None
