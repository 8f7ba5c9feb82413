"""Retries what may succeed later, after a pause."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pystatic_tasks.errors import PushError

# Before each further attempt.
DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0)
LONGEST_SECONDS = 30.0  # Whatever a registry asks for.
PUSH_AGAIN = "Push again later: what the registry already has is not sent again."

Result = TypeVar("Result")


class PassingError(PushError):
    """A failure that may pass.

    Attributes:
        after_seconds: How long the registry asks to wait.
    """

    def __init__(self, problem: str, remedy: str = PUSH_AGAIN, after_seconds: float = 0) -> None:
        super().__init__(problem, remedy)
        self.after_seconds = after_seconds


def patiently(action: Callable[[], Result], say: Callable[[str], None], pause: Callable[[float], None]) -> Result:
    """Call a function, and again after a pause if it raises PassingError.

    Args:
        action: The function; it starts from the beginning each time.
        say: Called with a message for each failure before another attempt.
        pause: Sleeps for a number of seconds.

    Raises:
        PassingError: the last attempt failed too.
    """
    for delay in DELAYS_SECONDS:
        try:
            return action()
        except PassingError as error:
            seconds = max(delay, min(error.after_seconds, LONGEST_SECONDS))
            say(f"{error.problem} Trying again in {seconds:g} s.")
        pause(seconds)
    return action()
