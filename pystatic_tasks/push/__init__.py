"""Images sent to registries, without any daemon."""

from pystatic_tasks.push.join import index
from pystatic_tasks.push.step import push

__all__ = ["index", "push"]
