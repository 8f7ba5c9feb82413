"""What came out, for people: the way to the image, and what one would type next."""

from pystatic_tasks.report.next import next_commands
from pystatic_tasks.report.way import Way, as_markdown, as_table

__all__ = ["Way", "as_markdown", "as_table", "next_commands"]
