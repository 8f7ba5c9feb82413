from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.config.model import Freeze, Image
from pystatic_tasks.smoke.diagnose import diagnose

NO_TMP = "The program unpacks itself into /tmp and could not. Give it a writable one: --tmpfs /tmp:exec,mode=1777."
READ_ONLY = (
    "The program writes temporary files, and its root is read-only. Put this into the table "
    "[tool.pystatic-tasks.smoke] of pyproject.toml, and mount a writable /tmp where the image is deployed:\n"
    "  writable-tmp = true"
)
PORT = "The port that server.bind names is taken where the program runs. Stop what holds it, or change server.bind."


def make_image(*hidden_imports: str) -> Image:
    return Image(root=Path(), project=Path(), name="shop", app="a:b", freeze=Freeze(hidden_imports=hidden_imports))


@pytest.mark.parametrize(
    ("configured", "line"),
    [
        ((), 'hidden-imports = ["shop.plugins"]'),
        (("a", "b.c"), 'hidden-imports = ["a", "b.c", "shop.plugins"]'),
        (("shop.plugins",), 'hidden-imports = ["shop.plugins"]'),
    ],
)
def test_a_module_that_was_not_seen_gets_its_line_of_configuration(configured: tuple[str, ...], line: str) -> None:
    output = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'shop.plugins'\n"
    assert diagnose(make_image(*configured), output) == (
        'The program imports "shop.plugins" by name, which the analysis cannot see. '
        "Put this into the table [tool.pystatic-tasks.freeze] of pyproject.toml, or as freeze.hidden-imports "
        "where you write such keys:\n"
        f"  {line}\n"
        "Then run the session again."
    )


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("Error: Port 8000 of 0.0.0.0 is in use. Stop the program that holds it.", PORT),
        ("[ERROR] Connection in use: ('0.0.0.0', 8000)", PORT),
        ("Failed to execv() /tmp/staticx-abc/shop: Permission denied", NO_TMP),
        ("[7] Could not create temporary directory!", NO_TMP),
        ("shop: Failed to create temporary directory in /tmp", NO_TMP),
        ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']", READ_ONLY),
        ("ValueError: Failed to create database", ""),
        (
            "Error: Port 80 of 0.0.0.0 is not allowed to this user. Set PORT to one above 1023.",
            "Only root may listen there. "
            "Name a port above 1023 in server.bind, and map it where the image is deployed.",
        ),
        (
            "[ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?",
            "A worker was killed, most likely for its memory. Raise smoke.memory.",
        ),
        ("[INFO] Shutting down: Master", ""),
        ("", ""),
    ],
)
def test_the_log_says_what_to_do(output: str, advice: str) -> None:
    assert diagnose(make_image(), output) == advice


def test_a_missing_module_is_told_before_what_follows_from_it() -> None:
    output = "Worker (pid:9) was sent SIGKILL!\nModuleNotFoundError: No module named 'yaml'\n"
    assert '"yaml"' in diagnose(make_image(), output)
