"""Step one: the target and its runner frozen into one program."""

from pystatic_tasks.freeze.step import freeze, prepare

__all__ = ["freeze", "prepare"]
