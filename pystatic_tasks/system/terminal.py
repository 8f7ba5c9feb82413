"""Shows progress at a terminal, colours words, and writes to the logs and summaries of GitHub Actions."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO

# Short work shows nothing; Nox prints its message about an installation before that.
DELAY_SECONDS = 0.5
FRAME_SECONDS = 0.1
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_FRAMES = "|/-\\"
# ECMA-48: erase in line; select graphic rendition.
CLEAR_LINE = "\r\033[K"
COLORS = {"green": "\033[32m", "red": "\033[31m", "bold": "\033[1m"}
RESET = "\033[0m"


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """The terminal of a user.

    Attributes:
        stream: Standard error; standard output is for machines.
        live: Whether a line may be rewritten during slow work.
        color: Whether words may be coloured.
    """

    stream: TextIO
    live: bool = False
    color: bool = False

    def colored(self, text: str, color: str) -> str:
        return f"{COLORS[color]}{text}{RESET}" if self.color else text

    @contextlib.contextmanager
    def activity(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show `text` and the elapsed seconds on a line that is erased afterwards.

        Yields a function that replaces the text, unless the new text is empty.
        Nothing else may write to the terminal in the meantime.
        """
        if not self.live:
            yield lambda text: None
            return
        shown = [text]
        ended = threading.Event()
        painter = threading.Thread(target=self._paint, args=(shown, ended), daemon=True)
        painter.start()
        try:
            yield lambda text: shown.extend([text] if text else [])
        finally:
            ended.set()
            painter.join()

    def _paint(self, shown: list[str], ended: threading.Event) -> None:
        started = time.monotonic()
        if ended.wait(DELAY_SECONDS):
            return
        frames = FRAMES if can_show(self.stream, FRAMES) else ASCII_FRAMES
        count = 0
        while not ended.wait(FRAME_SECONDS):
            line = f"{frames[count % len(frames)]} {shown[-1]} ({time.monotonic() - started:.0f} s)"
            self._write(CLEAR_LINE + line[: shutil.get_terminal_size().columns - 1])
            count += 1
        self._write(CLEAR_LINE)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()


def make_terminal(stream: TextIO, environment: Mapping[str, str], *, color: bool, verbose: bool) -> Terminal:
    """The terminal behind a stream; it is live if the stream is a terminal that can rewrite a line."""
    is_dumb = environment.get("TERM", "dumb") == "dumb" or "CI" in environment or "GITHUB_ACTIONS" in environment
    return Terminal(stream=stream, live=stream.isatty() and not is_dumb and not verbose, color=color)


def can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def folded(title: str, stream: TextIO, environment: Mapping[str, str]) -> Iterator[None]:
    """Fold the output of the block in GitHub Actions.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#grouping-log-lines
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    print(f"::group::{title}", file=stream, flush=True)
    try:
        yield
    finally:
        print("::endgroup::", file=stream, flush=True)


def add_to_job_outputs(values: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> None:
    """Set outputs of a job's step in GitHub Actions; values are single lines. Elsewhere, do nothing.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-output-parameter
    """
    append(environment.get("GITHUB_OUTPUT"), "".join(f"{name}={value}\n" for name, value in values.items()))


def add_to_job_summary(markdown: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add to a job's summary in GitHub Actions. Elsewhere, do nothing.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#adding-a-job-summary
    """
    append(environment.get("GITHUB_STEP_SUMMARY"), f"{markdown}\n")


def append(path: str | None, text: str) -> None:
    """Append to a file of GitHub Actions, if there is one."""
    if path:
        with contextlib.suppress(OSError), open(path, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
