"""User names, passwords and tokens in URLs: hidden in what is shown and logged, left out of what is published."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from typing import TextIO

# What stands before the host of a URL. The user "git" is everybody's.
USER_INFO = re.compile(r"(?<=://)(?!git@)[^/\s'\"]+@")
HIDDEN = "***@"
# How git writes addresses for SSH: user@host:path.
SSH_ADDRESS = re.compile(r"(?:([^@/:]+)@)?([^@/:]+:.+)")
PATIENCE_SECONDS = 5


def masked(text: str) -> str:
    """The text, with what stands before the host in each URL hidden."""
    return USER_INFO.sub(HIDDEN, text) if "://" in text else text


def public_url(address: str) -> str:
    """An address of a repository without anything secret, or "" if it means nothing on another machine."""
    scheme, separator, rest = address.partition("://")
    if separator and scheme != "file":
        host, slash, path = re.split("[?#]", rest)[0].partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    ssh = SSH_ADDRESS.fullmatch(address)
    if separator or not ssh:
        return ""
    return f"git@{ssh[2]}" if ssh[1] == "git" else ssh[2]


class Masking(logging.Filter):
    """Hides credentials in what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


@contextlib.contextmanager
def masked_log(logger: logging.Logger) -> Iterator[None]:
    """Hide credentials in what is logged meanwhile."""
    masking = Masking()
    logger.addFilter(masking)
    try:
        yield
    finally:
        logger.removeFilter(masking)


@contextlib.contextmanager
def masked_stream(stream: TextIO) -> Iterator[TextIO]:
    """A file for tools to write to, whose lines appear on the stream with credentials hidden."""
    reading, writing = os.pipe()

    def copy() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                print(masked(line), end="", file=stream, flush=True)

    copier = threading.Thread(target=copy, daemon=True)
    copier.start()
    try:
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            yield file
    finally:
        # What outlives its tool and still holds the pipe is not waited for.
        copier.join(PATIENCE_SECONDS)
