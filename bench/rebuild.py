"""How long a build takes: of everything, after one changed line, and of nothing."""

from __future__ import annotations

import time

from bench.build import Built, build_image
from bench.measure import Figures

EVERYTHING, ONE_LINE, NOTHING = "everything (--no-cache)", "one changed line", "nothing changed"


def rebuilds(built: Built, image: str, rounds: int) -> Figures:
    """Seconds of `nox -s image`, by what there is to do; no engine loads the result."""
    figures: dict[str, list[float]] = {EVERYTHING: [], ONE_LINE: [], NOTHING: []}
    for number in range(rounds):
        figures[EVERYTHING].append(seconds(built, image, "--no-cache"))
        with built.source.open("a", encoding="utf-8") as file:
            file.write(f"ROUND_{number}_OF_{image.upper()} = {time.time_ns()}\n")
        figures[ONE_LINE].append(seconds(built, image))
        figures[NOTHING].append(seconds(built, image))
    return figures


def seconds(built: Built, image: str, *options: str) -> float:
    started = time.monotonic()
    build_image(built, image, "--engine", "sandbox", *options)
    return time.monotonic() - started
