"""What came out, for people: sizes on the way to the image, and what one would type next."""

from pystatic_tasks.report.next import next_commands
from pystatic_tasks.report.sizes import Sizes, as_markdown, as_table

__all__ = ["Sizes", "as_markdown", "as_table", "next_commands"]
