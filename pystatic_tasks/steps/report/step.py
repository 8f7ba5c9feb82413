"""The step: write the page of an image anew, and open it."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.report_page import write_pages


def report(config: ImageConfig, context: StepContext) -> Path:
    """Write `dist/pystatic/NAME/report.html`, and open it in a browser if that was asked for.

    Raises:
        MissingToolError: the library for it is not installed.
    """
    page = write_pages(config)
    context.say(f"{shown(config, page)}: where the bytes and the milliseconds are")
    if context.opens and not webbrowser.open(page.as_uri()):
        context.say(f"no browser found; open {page.as_uri()}")
    return page
