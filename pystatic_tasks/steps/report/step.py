"""The step: writes the page of an image again, and opens it."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.report_page import write_pages


def report(config: ImageConfig, context: StepContext) -> Path:
    """Write `dist/pystatic/NAME/report.html`, and open it in a browser if requested.

    Raises:
        PystaticError: the image step was not run.
    """
    page = write_pages(config)
    context.say(f"{shown(config, page)}: where the bytes and the milliseconds are")
    if context.opens and not webbrowser.open(page.as_uri()):
        context.say(f"no browser found; open {page.as_uri()}")
    return page
