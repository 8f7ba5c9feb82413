"""Lists the modules of this package that answer questions, with the types of question and answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from .probe import Probed
from .protocol import (
    BuildSystem,
    Examined,
    Exercise,
    FrozenProgram,
    LauncherQuestion,
    Observed,
    Program,
    StaticExecutable,
    StaticxQuestion,
    Target,
    ToolNames,
    Wheel,
)

Question = TypeVar("Question")
Answer = TypeVar("Answer", covariant=True)


@dataclass(frozen=True)
class Module(Generic[Question, Answer]):
    """A module that answers questions, by its name in this package."""

    name: str
    question: type[Question]
    answer: type[Answer]


PROBE = Module("probe", type(None), Probed)
WHEEL = Module("wheel", BuildSystem, Wheel)
TOOLS = Module("tools", ToolNames, ToolNames)
EXAMINE = Module("examine.target", Target, Examined)
OBSERVE = Module("observe.exercise", Exercise, Observed)
FREEZE = Module("freeze.program", Program, FrozenProgram)
LAUNCHER = Module("pack.launcher", LauncherQuestion, StaticExecutable)
STATICX = Module("pack.staticx", StaticxQuestion, StaticExecutable)
