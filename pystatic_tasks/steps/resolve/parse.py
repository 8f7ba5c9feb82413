"""Finds where YAML names images, with a parser, so that comments and parts of longer texts do not count."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence

import yaml

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.resolve.files import Source
from pystatic_tasks.steps.resolve.stream import SCHEME, NearMiss, Place, Stream
from pystatic_tasks.system.texts import printable

# The whole value; a block of text ends with a line end.
NAMED = re.compile(rf"{SCHEME}(\S*)\n*")
NEW_DOCUMENT = "---\n"
END_OF_DOCUMENT = "...\n"
MOST_LEVELS = 1000  # As with libyaml.
# libyaml, of which kubectl's parser is a translation, if PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_stream(source: Source) -> Stream:
    """Find the names of images.

    Raises:
        ConfigError: it is not valid YAML.
    """
    places: list[Place] = []
    line_ends = [each.start() for each in re.finditer("\n", source.text)]
    near: list[NearMiss] = []
    separator = None
    try:
        for event in known_aliases(source, not_too_deep(source, yaml.parse(source.text, Loader=LOADER))):
            if isinstance(event, yaml.DocumentStartEvent) and separator is None:
                separator = separator_before(event)
            elif isinstance(event, yaml.ScalarEvent):
                found = list(find_place(source.text, line_ends, event))
                places += found
                nearly = None if found else find_near_miss(event)
                near += [nearly] if nearly else []
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        assert mark
        raise no_yaml(source, mark.line, mark.column, f"{error.problem}") from None
    return Stream(source=source, places=places, near=near, separator=separator)


def no_yaml(source: Source, line: int, column: int, problem: str) -> ConfigError:
    """The error at a line and column, which are counted from 0."""
    return ConfigError(
        f"{source.name}, line {line + 1}, column {column + 1}: {problem}.",
        "Correct the YAML, or name only YAML files.",
    )


def not_too_deep(source: Source, events: Iterable[yaml.Event]) -> Iterator[yaml.Event]:
    """The events unchanged; without libyaml's own limit, a line of brackets would take hours.

    Raises:
        ConfigError: there are too many levels.
    """
    level = 0
    for event in events:
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            mark = event.start_mark
            assert mark
            raise no_yaml(source, mark.line, mark.column, "exceeded maximum nesting depth")
        yield event


def known_aliases(source: Source, events: Iterable[yaml.Event]) -> Iterator[yaml.Event]:
    """The events unchanged; the parser itself does not check that the anchor of each alias exists.

    Raises:
        ConfigError: one does not exist.
    """
    anchors: set[str] = set()
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            anchors.clear()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                mark = event.start_mark
                assert mark
                problem = f"the alias *{printable(str(event.anchor))} has no anchor before it"
                raise no_yaml(source, mark.line, mark.column, problem)
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            anchors.add(event.anchor)
        yield event


def separator_before(first_document: yaml.DocumentStartEvent) -> str:
    if first_document.version or first_document.tags:
        return END_OF_DOCUMENT
    return "" if first_document.explicit else NEW_DOCUMENT


def find_place(text: str, line_ends: Sequence[int], scalar: yaml.ScalarEvent) -> Iterator[Place]:
    """Where in the text a scalar names an image, if it does; `line_ends` are the places of the line ends."""
    named = NAMED.fullmatch(scalar.value)
    if not named:
        return
    first, last = scalar.start_mark, scalar.end_mark
    assert first
    assert last
    written = f"{SCHEME}{named[1]}"
    # Anchors and tags come before it.
    start = text.rfind(written, first.index, last.index)
    end = start + len(written)
    if start < 0:
        # Written with escapes or a doubled apostrophe, which only quoted values can contain.
        start = text.index(scalar.style or '"', first.index) + 1
        end = last.index - 1
    line = bisect(line_ends, start) + 1
    yield Place(name=named[1], start=start, end=end, line=line)


def find_near_miss(scalar: yaml.ScalarEvent) -> NearMiss | None:
    """A value that names no image, but nearly: a single word that contains a name; several words are a text."""
    words = scalar.value.split(maxsplit=1)
    if len(words) != 1 or SCHEME not in words[0].lower():
        return None
    assert scalar.start_mark
    return NearMiss(value=scalar.value, line=scalar.start_mark.line + 1)
