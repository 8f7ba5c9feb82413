"""Step one: the target and its runner frozen into one program."""

from pystatic_tasks.freeze.environment import install_variables
from pystatic_tasks.freeze.step import freeze, prepare

__all__ = ["freeze", "install_variables", "prepare"]
