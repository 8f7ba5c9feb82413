"""Whether a second build, elsewhere, gives the same image."""

from pystatic_tasks.reproducible.check import check_reproducible

__all__ = ["check_reproducible"]
