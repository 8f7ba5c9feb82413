from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from pystatic_tasks.in_env.records import from_json, to_json


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outer:
    path: Path
    inner: tuple[Inner, ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    perhaps: Inner | None = None
    anything: Any = None
    kind: Literal["a", "b"] = "a"
    seconds: float = 0.5
    is_there: bool = False


FULL = Outer(
    path=Path("/opt"),
    inner=(Inner(name="a", sizes={"x": 1}), Inner(name="b")),
    pairs=(("one", 1), ("two", 2)),
    by_name={"c": Inner(name="c")},
    perhaps=Inner(name="d"),
    anything={"any": [1, None]},
)


@pytest.mark.parametrize("record", [FULL, Outer(path=Path("shop"))])
def test_what_was_written_is_read_back_as_it_was(record: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(record)))) == record


def test_what_was_not_written_has_its_default() -> None:
    assert from_json(Outer, {"path": "/opt"}) == Outer(path=Path("/opt"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "[] is no Outer"),
        ({"path": "/opt", "more": 1, "and": 2}, "Outer has no and, more"),
        ({"path": "/opt", "inner": ["a"]}, "'a' is no Inner"),
        ({"path": 3}, "3 is no Path"),
        ({"path": "/opt", "inner": [{"name": ["x"]}]}, "['x'] is no str"),
        ({"path": "/opt", "inner": [{"name": "a", "sizes": {"x": "1"}}]}, "'1' is no int"),
        ({"path": "/opt", "inner": [{"name": "a", "sizes": {"x": True}}]}, "True is no int"),
        ({"path": "/opt", "inner": [{"name": "a", "sizes": ["x"]}]}, "['x'] is no Mapping"),
        ({"path": "/opt", "inner": {"name": "a"}}, "{'name': 'a'} is no tuple"),
        ({"path": "/opt", "pairs": ["ab"]}, "'ab' is no tuple"),
        ({"path": "/opt", "perhaps": False}, "False is no Inner"),
        ({"path": "/opt", "kind": "c"}, "'c' is none of 'a', 'b'"),
        ({"path": "/opt", "seconds": "1"}, "'1' is no float"),
        ({"path": "/opt", "is_there": 1}, "1 is no bool"),
    ],
)
def test_what_is_of_another_kind_is_refused(content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_json(Outer, content)


def test_a_whole_number_is_a_number_too() -> None:
    assert from_json(Outer, {"path": "/opt", "seconds": 3}).seconds == 3


def test_what_lacks_something_is_refused() -> None:
    with pytest.raises(ValueError, match="missing 1 required keyword-only argument: 'name'"):
        from_json(Inner, {})
