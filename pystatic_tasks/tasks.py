"""Tasks for Invoke: see `pystatic_tasks.fronts.tasks`."""

from pystatic_tasks.fronts.tasks import collection

__all__ = ["collection"]
