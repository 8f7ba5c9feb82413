"""Renders the pages as HTML, each one self-contained file; the only module that uses Jinja."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pystatic_tasks.report.page import Listed, Page
from pystatic_tasks.system.units import amount, megabytes

if TYPE_CHECKING:
    from jinja2 import Template

WEB = Path(__file__).with_name("web")
STYLES = ("page.css",)
# Joined into one script, in this order.
SCRIPTS = ("theme.js", "layout.js", "treemap.js", "imports.js", "tables.js", "page.js")
# Characters that could end the element with the data, or start another.
UNSAFE = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def page_html(page: Page) -> str:
    """The page of one image."""
    return render("report.html.jinja", SCRIPTS, page=page, data=embedded(page.data))


def index_html(images: Sequence[Listed]) -> str:
    """The page of several images, side by side."""
    largest = max((each.size_bytes for each in images), default=0)
    return render("index.html.jinja", ("theme.js",), images=images, largest=largest)


def render(template: str, scripts: Sequence[str], **content: Any) -> str:
    from markupsafe import Markup

    style, script = joined(STYLES), joined(scripts)
    policy = (
        f"default-src 'none'; style-src '{source_hash(style)}'; script-src '{source_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    marked = {name: Markup(text) for name, text in content.items() if name == "data"}  # noqa: S704
    page: str = compile_template(template).render(
        **{**content, **marked},
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=policy,
    )
    # File names that are not UTF-8 are shown with escapes, as in JSON.
    return page.encode(errors="backslashreplace").decode()


@functools.cache
def compile_template(name: str) -> Template:
    """One of our templates, compiled once, since compiling takes longer than rendering."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(megabytes=megabytes, amount=amount, percent=percent, change=change)
    return environment.get_template(name)


def joined(names: Sequence[str]) -> str:
    return "\n".join((WEB / name).read_text(encoding="utf-8") for name in names)


def source_hash(text: str) -> str:
    """The source of a content security policy that allows only this text (https://www.w3.org/TR/CSP3/)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def embedded(data: Any) -> str:
    """JSON that is safe inside an HTML element, whatever strings it contains."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(UNSAFE)


def percent(share: float) -> str:
    if share < 0.0005:
        return "< 0.1 %"
    return f"{share * 100:.0f} %" if share >= 0.01 else f"{share * 100:.1f} %"


def change(size_bytes: int) -> str:
    """A difference with its sign."""
    sign = "+" if size_bytes > 0 else "\N{MINUS SIGN}" if size_bytes < 0 else "±"
    return f"{sign}{amount(abs(size_bytes))}"
