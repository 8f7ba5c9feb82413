"""How long a start takes, and which parts it consists of, from measurements that lie beside the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pystatic_tasks.report.contents import LAYERS

# Everything except imports, if the parts were not measured.
REST = "container, unpacking, interpreter and server"
# The measured parts, with their names on the page; imports are shown by layer.
PARTS = {
    "container": "the container",
    "unpacking": "unpacking",
    "interpreter": "the interpreter",
    "server": "the application itself and the server",
}
ALL_IMPORTS = "imports"
IMPORTS = {
    "python": "imports of the standard library",
    "third-party": "imports of dependencies",
    "project": "imports of the project",
}
OF_PYTHON = "python"


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One part of a start.

    Attributes:
        name: Its name on the page.
        ms: Its duration in milliseconds.
        begun_ms: When it began, in milliseconds, if the parts' order is known; otherwise 0.
        layer: For imports: the name of their layer; otherwise "".
    """

    name: str
    ms: float
    begun_ms: float = 0
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class Import:
    """An imported module with the modules that it imported: its own milliseconds, and those of all together."""

    name: str
    own_ms: float
    ms: float
    inside: tuple[Import, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Start:
    """A measured start.

    Attributes:
        engine: The engine that ran the image.
        first_answer_ms: From the engine's command to the first answer.
        measured_ms: The same for the slower run in which imports were measured; None without one.
        imports: The imports in that run, in order.
        parts: The names of that run's parts, in order, with their milliseconds; empty if they were not measured.
    """

    engine: str
    first_answer_ms: int
    measured_ms: int | None = None
    imports: tuple[Import, ...] = ()
    parts: tuple[tuple[str, float], ...] = ()


def nested(imports: Iterable[tuple[str, int, int, int]]) -> tuple[Import, ...]:
    """The imports, each inside the one that imported it.

    Args:
        imports: Name, own microseconds, total microseconds and depth of each, after everything that it imported.
    """
    waiting: dict[int, list[Import]] = {}
    for name, own_us, us, depth in imports:
        inside = tuple(waiting.pop(depth + 1, ()))
        made = Import(name=name, own_ms=own_us / 1000, ms=us / 1000, inside=inside)
        waiting.setdefault(depth, []).append(made)
    return tuple(waiting.get(0, ()))


def all_in(imports: Iterable[Import]) -> Iterator[Import]:
    """The imports and all imports inside them."""
    for each in imports:
        yield each
        yield from all_in(each.inside)


def phases(start: Start, layer_of: Callable[[str], str]) -> Iterator[Phase]:
    """The parts of a start in which imports were measured; empty if they were not.

    Args:
        start: The start.
        layer_of: Returns the layer of a module, or "" for one without a file.
    """
    if start.measured_ms is None:
        return
    times = dict.fromkeys(IMPORTS, 0.0)
    for each in all_in(start.imports):
        layer = layer_of(each.name)
        times[layer if layer in IMPORTS else OF_PYTHON] += each.own_ms
    if not start.parts:
        yield Phase(name=REST, ms=max(start.measured_ms - sum(times.values()), 0))
        yield from by_layer(times)
        return
    begun_ms = 0.0
    for phase in in_turn(start.parts, times):
        yield replace(phase, begun_ms=begun_ms)
        begun_ms += phase.ms


def in_turn(parts: Iterable[tuple[str, float]], times: Mapping[str, float]) -> Iterator[Phase]:
    """The parts in order, with imports by layer; what the interpreter imports at its start belongs to its own part."""
    for name, ms in parts:
        if name == ALL_IMPORTS:
            others = sum(times.values()) - times[OF_PYTHON]
            yield from by_layer({**times, OF_PYTHON: max(ms - others, 0)})
        else:
            yield Phase(name=PARTS[name], ms=ms)


def by_layer(times: Mapping[str, float]) -> Iterator[Phase]:
    """The imports of each layer that has any."""
    yield from (Phase(name=IMPORTS[layer], ms=ms, layer=LAYERS[layer]) for layer, ms in times.items() if ms)
