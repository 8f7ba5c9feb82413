"""The Invoke front end: the only module that imports invoke.

```python
# tasks.py
from pystatic_tasks.tasks import collection

ns = collection(globals())  # last in the file
```
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

from pystatic_tasks.config.options import IMAGE_OPTION, OPTIONS, RUN_PROGRAMS, Option, to_words
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.fronts.caller import from_caller
from pystatic_tasks.fronts.nox_process import Call, run
from pystatic_tasks.steps.table import STEPS, check_steps, with_steps_before


def collection(
    tasks: Mapping[str, Any] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    images: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    **overrides: Any,
) -> Collection:
    """Make a collection of Invoke tasks: one for each step, from `freeze` to `resolve`, and the caller's own.

    Each task runs the step and those before it through Nox, and exits with the exit code of the error's class.
    If the caller has a task of the same name, Invoke ends with a message and exit code 2.

    Args:
        tasks: `globals()` of the tasks.py, whose tasks are added to the collection.
        root: Folder of the pyproject.toml, relative to the folder of the calling file; by default that folder.
        images: Names of the images to build without `--image`; by default all.
        skip: Steps without a task of their own.
        overrides: Configuration that takes precedence over pyproject.toml, as for `register()`.
    """
    call = Call(
        root=from_caller(root),
        step="",
        images=(images,) if isinstance(images, str) else tuple(images),
        overrides=overrides,
        shown_as="inv {step}",
    )
    skipped = (skip,) if isinstance(skip, str) else tuple(skip)
    made = Collection()
    for each in (tasks or {}).values():
        if isinstance(each, Task):
            made.add_task(each)
    try:
        check_steps(skipped, "tasks.py")
        for step in STEPS:
            if step not in skipped:
                add_step(made, replace(call, step=step))
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    return made


def add_step(made: Collection, call: Call) -> None:
    """Add a step's task.

    Raises:
        ConfigError: its name is taken.
    """
    if call.step in made.tasks:
        raise ConfigError(
            f'tasks.py already has a task "{call.step}", which pystatic_tasks.tasks.collection() would replace.',
            f'Skip it with collection(globals(), skip=["{call.step}"]), or add the collection under its own name: '
            'ns.add_collection(pystatic_tasks.tasks.collection(), name="pystatic").',
        )
    made.add_task(StepTask(call))


class StepTask(Task[Any]):
    """The task of one step, with its options."""

    def __init__(self, call: Call) -> None:
        def body(context: Context, **given: Any) -> None:
            images = tuple(given.get("image", ())) or call.images
            # What stands after "--", for tasks that run a program; older versions of Invoke do not expose it.
            remainder = getattr(context, "remainder", "") if call.step in RUN_PROGRAMS else ""
            of_program = remainder.split() or None
            code = run(replace(call, images=images, words=to_words(given, of_program)))
            if code:
                raise Exit(code=code)

        step = STEPS[call.step]
        steps = with_steps_before([call.step])
        taken = tuple(option for option in OPTIONS if option.is_taken_by(steps))
        self.options = taken if step.is_for_project else (*taken, IMAGE_OPTION)
        body.__doc__ = step.description.format(name="the project")
        super().__init__(body, name=call.step, positional=())

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        return list(to_arguments(self.options))

    # Invoke considers tasks with the same code equal, and would run only one of them, even for different projects.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def to_arguments(options: Sequence[Option]) -> Iterator[Argument]:
    for option in options:
        kind: type = bool if not option.metavar else list if option.repeatable else str
        name = option.name.removeprefix("--")
        yield Argument(
            names=(name, *([option.short.removeprefix("-")] if option.short else [])),
            attr_name=option.field if option.field != name else None,
            kind=kind,
            default={bool: False, list: []}.get(kind),
            help=option.help,
        )
