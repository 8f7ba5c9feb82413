"""Reports results to people: tables of sizes, the HTML page of an image, and the commands to type next."""

from pystatic_tasks.report.next import next_commands
from pystatic_tasks.report.sizes import Sizes, as_markdown, as_table

__all__ = ["Sizes", "as_markdown", "as_table", "next_commands"]
