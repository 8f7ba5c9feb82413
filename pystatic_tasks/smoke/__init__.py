"""Step four: the image started as it would be deployed, asked, and stopped."""

from pystatic_tasks.smoke.step import smoke

__all__ = ["smoke"]
