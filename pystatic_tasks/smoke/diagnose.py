"""What to do about it, read from the container's log."""

from __future__ import annotations

import re
from collections.abc import Callable

from pystatic_tasks.config.model import Image


def diagnose(image: Image, output: str) -> str:
    """The repair that the log suggests, or ""."""
    for pattern, advise in ADVICE:
        match = re.search(pattern, output)
        if match:
            return advise(image, match)
    return ""


def missing_module(image: Image, match: re.Match[str]) -> str:
    names = ", ".join(f'"{name}"' for name in dict.fromkeys([*image.freeze.hidden_imports, match[1]]))
    return (
        f'The program imports "{match[1]}" by name, which the analysis cannot see. '
        "Put this into the table [tool.pystatic-tasks.freeze] of pyproject.toml, or as freeze.hidden-imports "
        f"where you write such keys:\n  hidden-imports = [{names}]\nThen run the session again."
    )


def port_in_use(image: Image, match: re.Match[str]) -> str:
    return "The port that server.bind names is taken where the program runs. Stop what holds it, or change server.bind."


def port_not_allowed(image: Image, match: re.Match[str]) -> str:
    return "Only root may listen there. Name a port above 1023 in server.bind, and map it where the image is deployed."


def no_temporary_folder(image: Image, match: re.Match[str]) -> str:
    return "The program unpacks itself into /tmp and could not. Give it a writable one: --tmpfs /tmp:exec,mode=1777."


def nowhere_to_write(image: Image, match: re.Match[str]) -> str:
    return (
        "The program writes temporary files, and its root is read-only. Put this into the table "
        "[tool.pystatic-tasks.smoke] of pyproject.toml, and mount a writable /tmp where the image is deployed:\n"
        "  writable-tmp = true"
    )


def killed(image: Image, match: re.Match[str]) -> str:
    return "A worker was killed, most likely for its memory. Raise smoke.memory."


ADVICE: tuple[tuple[str, Callable[[Image, re.Match[str]], str]], ...] = (
    (r"No module named '([\w.]+)'", missing_module),
    (r"Port \d+ of \S+ is in use|Connection in use", port_in_use),
    (r"Port \d+ of \S+ is not allowed to this user", port_not_allowed),
    (r"Failed to execv|(Could not|Failed to) create temporary directory", no_temporary_folder),
    (r"No usable temporary directory found", nowhere_to_write),
    (r"was sent SIGKILL", killed),
)
