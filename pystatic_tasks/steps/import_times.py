"""What a program imports until its first answer, and how long each module takes: `dist/pystatic/NAME/imports.json`.

    {"version": 1, "name": "shop", "digest": "sha256:…", "engine": "docker", "first_answer_ms": 312,
     "imports": [{"name": "encodings.aliases", "self_us": 310, "cumulative_us": 310, "depth": 1},
                 {"name": "encodings", "self_us": 420, "cumulative_us": 730, "depth": 0}, …]}

`imports` is the output of `python -X importtime`, in the order in which imports end: a module comes after everything
that it imports. So the importer of a module is the next one after it with a smaller depth; a module with depth 0 was
imported by no other import, but by the interpreter or by a running function. `cumulative_us` is `self_us` plus the
`cumulative_us` of everything that the module imported. All times are from a single run in which they are measured and
written, which is slower than others: compare them only with each other. `digest` is that of the image's manifest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.names import top_of
from pystatic_tasks.steps.manifest import read_record, report_path
from pystatic_tasks.steps.results import Imported, Imports

# The version of imports.json, which schemas/imports.schema.json describes.
VERSION = 1
LINE = re.compile(r"^import time: +(\d{1,12}) \| +(\d{1,12}) \| ( *)(\S+) *$", re.MULTILINE)
SPACES_PER_LEVEL = 2
# Far more levels than Python's own limit of nested calls allows imports.
MOST_LEVELS = 256
# How many packages are named in a line.
SHOWN = 5


def parse_imports(output: str) -> Iterator[Imported]:
    """The imports in a program's output, in its order."""
    for own, cumulative, indentation, name in LINE.findall(output):
        depth = len(indentation) // SPACES_PER_LEVEL
        yield Imported(name=name, self_us=int(own), cumulative_us=int(cumulative), depth=depth)


def read_imports(config: ImageConfig) -> Imports | None:
    """The result of smoke; None if there is none that can be read."""
    found = read_record(report_path(config, Imports.step), Imports)
    return found if found and all(each.depth <= MOST_LEVELS for each in found.imports) else None


def total_us(imports: Iterable[Imported]) -> int:
    """The total time of all imports, in microseconds."""
    return sum(each.self_us for each in imports)


def by_package(imports: Iterable[Imported]) -> list[tuple[str, int]]:
    """The top-level packages with the own time of their modules, in microseconds; slowest first."""
    found = Counter[str]()
    for each in imports:
        found[top_of(each.name)] += each.self_us
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def slowest(imports: Imports) -> str:
    """One line with the slowest packages."""
    listed = ", ".join(f"{name} {us / 1000:.0f} ms" for name, us in by_package(imports.imports)[:SHOWN])
    return f"slowest imports: {listed}; all {len(imports.imports)} take {total_us(imports.imports) / 1000:.0f} ms"
