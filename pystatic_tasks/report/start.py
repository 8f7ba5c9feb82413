"""How long a start takes, and of what: told only where it was measured, by records that lie beside the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

# Everything that is no import, since nobody measures its parts.
REST = "container, unpacking, interpreter and server"
IMPORTS = {
    "python": "imports of Python's own",
    "third-party": "imports of dependencies",
    "project": "imports of the project",
}
OF_PYTHON = "python"


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One part of a start, in milliseconds."""

    name: str
    ms: float


@dataclass(frozen=True, kw_only=True)
class Import:
    """A module that was imported, with those that it imported: milliseconds of its own, and of all together."""

    name: str
    own_ms: float
    ms: float
    inside: tuple[Import, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Start:
    """A start, as it was measured.

    Attributes:
        engine: What ran the image.
        first_answer_ms: From the engine's command to the first answer.
        measured_ms: The same of the run in which imports were measured, which takes longer; None without one.
        imports: What was imported in that, in order.
    """

    engine: str
    first_answer_ms: int
    measured_ms: int | None = None
    imports: tuple[Import, ...] = ()


def nested(imports: Iterable[tuple[str, int, int, int]]) -> tuple[Import, ...]:
    """Imports, each in the one that it was imported by.

    Args:
        imports: Name, microseconds of its own and of all together, and depth of each, after all that it imported.
    """
    waiting: dict[int, list[Import]] = {}
    for name, own_us, us, depth in imports:
        inside = tuple(waiting.pop(depth + 1, ()))
        made = Import(name=name, own_ms=own_us / 1000, ms=us / 1000, inside=inside)
        waiting.setdefault(depth, []).append(made)
    return tuple(waiting.get(0, ()))


def all_in(imports: Iterable[Import]) -> Iterator[Import]:
    """The imports, and all in them."""
    for each in imports:
        yield each
        yield from all_in(each.inside)


def phases(start: Start, layer_of: Callable[[str], str]) -> Iterator[Phase]:
    """The parts of a start in which imports were measured; nothing if they were not.

    Args:
        start: The start.
        layer_of: The layer that a module is of, or "" for one that lies in no file.
    """
    if start.measured_ms is None:
        return
    times: dict[str, float] = {}
    for each in all_in(start.imports):
        layer = layer_of(each.name) or OF_PYTHON
        times[layer] = times.get(layer, 0) + each.own_ms
    yield Phase(name=REST, ms=max(start.measured_ms - sum(times.values()), 0))
    yield from (Phase(name=name, ms=times[layer]) for layer, name in known(times).items())


def known(times: Mapping[str, float]) -> Mapping[str, str]:
    """What to call the imports of each layer, in order."""
    return {layer: name for layer, name in IMPORTS.items() if layer in times}
