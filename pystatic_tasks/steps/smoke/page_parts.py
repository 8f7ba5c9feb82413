"""Requests what a browser loads with a page of the image, where the plain program had it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.protocol import ObservedAnswer
from pystatic_tasks.in_env.web.client import Answer, send
from pystatic_tasks.in_env.web.page import loaded_with, part_of
from pystatic_tasks.steps.smoke.plain import listed


def lacking_parts(
    request: Request, answer: Answer, plain: ObservedAnswer, address: tuple[str, int], timeout: float
) -> list[tuple[str, int]]:
    """The paths of what a page loads and the image lacks, with their statuses, 0 for no answer.

    Args:
        request: The request for the page.
        answer: The image's answer; one that is no page loads nothing.
        plain: The plain program's answer.
        address: Host and port of the image.
        timeout: Seconds for all requests together; what would be requested later counts as there.
    """
    end = time.monotonic() + timeout
    lacking = []
    for path in loaded_with(request, answer):
        if is_expected(path, plain) and time.monotonic() < end:
            status = send(part_of(request, path), address, timeout).status
            if not is_there(status):
                lacking.append((path, status))
    return lacking


def is_expected(path: str, plain: ObservedAnswer) -> bool:
    """Whether the plain program had this, or, if it had nothing of that name, everything that its own page loads."""
    statuses = dict(plain.parts)
    found = [statuses[path]] if path in statuses else list(statuses.values())
    return bool(found) and all(map(is_there, found))


def is_there(status: int) -> bool:
    return 0 < status < 400


def lacks_parts(lacking: Sequence[tuple[str, int]]) -> str:
    return f"the page loads {listed([described(*each) for each in lacking])}; the plain program has it"


def described(path: str, status: int) -> str:
    return f"{path}, answered {status}" if status else f"{path}, which has no answer"
