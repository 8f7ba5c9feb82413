"""Points with names on two logarithmic axes, as SVG: the same bytes for the same figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import svg

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 24, 56
RADIUS = 5
FONT_SIZE = 12
# How wide a letter is on the average, in widths of the font; and the room between a name and its point.
LETTER, GAP = 0.56, 9
MARGIN = 1.25
STEPS = (1, 1.5, 2, 3, 5, 7)
# Ours stand out by their form too, for who cannot tell the colours.
STYLE = """
text { font: 12px sans-serif; fill: #24292f }
.grid { stroke: #d0d7de } .theirs { fill: #6e7781 } .ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .grid { stroke: #30363d } .theirs { fill: #8b949e } .ours { fill: #58a6ff }
}
"""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One image.

    Attributes:
        name: What stands beside it.
        x: Megabytes.
        y: A multiple of the time that plain Python takes.
        is_ours: Whether it stands out.
    """

    name: str
    x: float
    y: float
    is_ours: bool


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A logarithmic axis.

    Attributes:
        low, high: The figures at its ends.
        start, end: Where these stand, in pixels.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, figures: Sequence[float], start: float, end: float) -> Axis:
        """One that has room for all figures."""
        return cls(low=min(figures) / MARGIN, high=max(figures) * MARGIN, start=start, end=end)

    def place(self, figure: float) -> float:
        """Where a figure stands, in pixels."""
        share = math.log(figure / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Round figures on it."""
        first = math.floor(math.log10(self.low))
        last = math.ceil(math.log10(self.high))
        all_of_them = (step * 10.0**power for power in range(first, last + 1) for step in STEPS)
        return [each for each in all_of_them if self.low <= each <= self.high]


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def plot(points: Sequence[Point], title: str, x_title: str, y_title: str) -> str:
    """The picture of some points."""
    x = Axis.around([point.x for point in points], LEFT, WIDTH - RIGHT)
    # One is among the figures, so that there is a line for plain Python.
    y = Axis.around([1.0, *(point.y for point in points)], HEIGHT - BOTTOM, TOP)
    elements: list[svg.Element] = [svg.Title(text=escape(title))]
    elements += [svg.Style(text=STYLE), *grid(x, y), *titles(x_title, y_title), *marks(points, x, y)]
    picture = svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT), elements=elements)
    return f"{picture}\n"


def grid(x: Axis, y: Axis) -> Iterator[svg.Element]:
    for tick in x.ticks():
        place = x.place(tick)
        yield svg.Line(x1=place, x2=place, y1=TOP, y2=HEIGHT - BOTTOM, class_=["grid"])
        yield svg.Text(x=place, y=HEIGHT - BOTTOM + 18, text=f"{tick:g}", text_anchor="middle")
    for tick in y.ticks():
        place = y.place(tick)
        yield svg.Line(x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_=["grid"])
        yield svg.Text(x=LEFT - 8, y=place + 4, text=f"{tick:g}", text_anchor="end")


def titles(x_title: str, y_title: str) -> Iterator[svg.Element]:
    yield svg.Text(x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 14, text=escape(x_title), text_anchor="middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = [svg.Rotate(-90, 16, middle)]
    yield svg.Text(x=16, y=middle, text=escape(y_title), text_anchor="middle", transform=list(turned))


def marks(points: Sequence[Point], x: Axis, y: Axis) -> Iterator[svg.Element]:
    """The points, ours as squares, and their names, where these cover nothing that stands there already."""
    taken = [around(x.place(point.x), y.place(point.y)) for point in points]
    for point in points:
        across, down = x.place(point.x), y.place(point.y)
        kind = ["ours" if point.is_ours else "theirs"]
        if point.is_ours:
            side = 2 * RADIUS
            yield svg.Rect(x=across - RADIUS, y=down - RADIUS, width=side, height=side, class_=kind)
        else:
            yield svg.Circle(cx=across, cy=down, r=RADIUS, class_=kind)
        box = free_place(point.name, across, down, taken)
        taken.append(box)
        yield svg.Text(x=round(box.left, 1), y=round(box.bottom - 3, 1), text=escape(point.name))


def around(across: float, down: float) -> Box:
    return Box(across - RADIUS, down - RADIUS, across + RADIUS, down + RADIUS)


def free_place(name: str, across: float, down: float, taken: Sequence[Box]) -> Box:
    """A place for the name beside its point: the first that is free, or else the first of all."""
    width, height = len(name) * FONT_SIZE * LETTER, FONT_SIZE + 3
    lefts = (across + GAP, across - GAP - width, across - width / 2)
    places = [
        Box(left, down + drop - height / 2, left + width, down + drop + height / 2)
        for drop in (0, -14, 14, -28, 28, -42, 42)
        for left in lefts
    ]
    inside = [box for box in places if box.left >= LEFT and box.right <= WIDTH and box.top >= TOP]
    free = (box for box in inside if not any(box.meets(other) for other in taken))
    return next(free, (inside or places)[0])
