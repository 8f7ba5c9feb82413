"""`pystatic init`: reads a project without importing it, shows the configuration that it proposes, and writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.changes import diff, write_all
from pystatic_tasks.init.plan import Plan, check_root, make_plan
from pystatic_tasks.system.redaction import masked

__all__ = ["init"]


def init(
    root: Path,
    *,
    dry_run: bool,
    target: str | None,
    say: Callable[[str], None],
    confirm: Callable[[], bool],
    command: str,
) -> None:
    """Configure the project in a folder, or the projects of a repository.

    Nothing is imported or run, and existing configuration is not changed.

    Args:
        root: The folder.
        dry_run: Whether to write nothing.
        target: What to freeze, instead of what is found: "package.module:callable", a name from
            [project.scripts], or a script's path relative to `root`.
        say: Shows one line.
        confirm: Asks whether to write the changes that were shown.
        command: How the user calls the program, such as "pystatic".

    Raises:
        ConfigError: nothing to serve was found, or a file cannot be read or written or is invalid.
            Then nothing was written.
    """
    folder = check_root(root)
    try:
        plan = make_plan(folder, target, command)
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.", "Make it readable.") from None
    for line in plan.lines:
        say(line)
    if not plan.changes:
        say(f"Nothing to do: everything is configured. Next: {plan.next[-1][0]}")
        return
    for change in plan.changes:
        say("")
        for line in diff(change, folder):
            say(masked(line))
    say("")
    if dry_run:
        say("Nothing was written: this was a dry run.")
        return
    if not confirm():
        say("Nothing was written.")
        return
    write_all(plan.changes, folder)
    for change in plan.changes:
        say(f"wrote {change.path.relative_to(folder)}")
    say_next(plan, say)


def say_next(plan: Plan, say: Callable[[str], None]) -> None:
    width = max(len(call) for call, _ in plan.next)
    say("next:")
    for call, purpose in plan.next:
        say(f"  {call:<{width}}  {purpose}")
    if plan.hint:
        say(plan.hint)
