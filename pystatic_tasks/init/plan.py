"""Plans what to show and what to write, for one project or for several in one repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.changes import Change, read_text
from pystatic_tasks.init.look import Project, look, projects_below
from pystatic_tasks.init.noxfiles import (
    Noxfile,
    Registered,
    free_prefix,
    our_requirement,
    read_noxfile,
    with_registered,
)
from pystatic_tasks.init.propose import Proposal, configured, propose
from pystatic_tasks.init.pyprojects import with_keys
from pystatic_tasks.init.source import read_module
from pystatic_tasks.init.tasksfiles import imports_invoke, with_tasks

BESIDE_NOX = (
    "Nox must find pystatic-tasks: pip install pystatic-tasks beside it, pipx inject nox pystatic-tasks, "
    "or uvx --with pystatic-tasks nox."
)
BESIDE_INVOKE = (
    "Invoke must find pystatic-tasks: pip install pystatic-tasks beside it, or pipx inject invoke pystatic-tasks."
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do with a folder.

    Attributes:
        lines: What was found, for the user.
        changes: Files to write.
        next: Commands to run next, each with what it does.
        hint: One more line below them, or "".
    """

    lines: tuple[str, ...]
    changes: tuple[Change, ...]
    next: tuple[tuple[str, str], ...]
    hint: str = ""


def make_plan(root: Path, target: str | None, command: str) -> Plan:
    """Read a folder, and plan what to write.

    Args:
        root: The folder.
        target: The target that the user names, if any.
        command: How the user calls the program.

    Raises:
        ConfigError: a file cannot be read, or nothing to serve is found.
    """
    project = look(root)
    noxfile_text = read_text(root / "noxfile.py")
    noxfile = read_noxfile(root / "noxfile.py", noxfile_text) if noxfile_text is not None else None
    if not target and not has_target(project, noxfile):
        services = services_below(project)
        if services:
            return plan_for_services(project, services, noxfile, noxfile_text, command)
    return plan_for_one(project, target, noxfile, noxfile_text, command)


def has_target(project: Project, noxfile: Noxfile | None) -> bool:
    return bool(names_target(noxfile) or configured(project.table) or project.served or project.scripts)


def names_target(noxfile: Noxfile | None) -> bool:
    """Whether the noxfile itself names the target of the project beside it."""
    return noxfile is not None and any(each.names_target and each.root == "." for each in noxfile.registered)


def services_below(project: Project) -> list[Project]:
    """The projects below the root that serve something; if none does, those with commands."""
    found = [look(folder) for folder in projects_below(project.root, project.pyproject)]
    serving = [each for each in found if configured(each.table) or each.served]
    return serving or [each for each in found if each.scripts]


def plan_for_one(
    project: Project, target: str | None, noxfile: Noxfile | None, noxfile_text: str | None, command: str
) -> Plan:
    if names_target(noxfile) and not configured(project.table):
        told: tuple[str, ...] = ("target     already configured in noxfile.py",)
        changes = []
    else:
        proposal = propose(project, target, command)
        told, changes = proposal.lines, [pyproject_change(proposal)]
    root = project.root
    if noxfile is not None:
        there = [each.prefix for each in noxfile.registered if each.root == "."]
        prefix = there[0] if there else free_prefix(noxfile.sessions)
        calls = [Registered(root=".", prefix=prefix)]
        after = with_registered(root / "noxfile.py", noxfile_text or "", calls, our_requirement())
        changes.append(Change(path=root / "noxfile.py", before=noxfile_text, after=after))
        told = (*told, noxfile_line(noxfile))
        call, hint = f"nox -s {prefix}", "" if noxfile.is_script else BESIDE_NOX
    else:
        change, call = tasks_change(root)
        changes += [change] if change else []
        told = (*told, *(["tasks      tasks.py of Invoke"] if change else []))
        call, hint = (call, BESIDE_INVOKE) if change else (f"{command} ", "")
    return Plan(
        lines=told,
        changes=tuple(each for each in changes if each.is_one),
        next=next_commands(command, [call]),
        hint=hint,
    )


def pyproject_change(proposal: Proposal) -> Change:
    path = proposal.project.root / "pyproject.toml"
    before = read_text(path)
    return Change(path=path, before=before, after=with_keys(path, before or "", proposal.keys))


def noxfile_line(noxfile: Noxfile) -> str:
    return f"noxfile    noxfile.py, its own sessions: {', '.join(noxfile.sessions) or 'none'}"


def tasks_change(root: Path) -> tuple[Change | None, str]:
    """The change to tasks.py, if Invoke is used, and how its tasks are called."""
    path = root / "tasks.py"
    before = read_text(path)
    if before is None or "invoke" not in before or not imports_invoke(read_module(path, before)):
        return None, ""
    after, prefix = with_tasks(path, before)
    return Change(path=path, before=before, after=after), f"inv {prefix}"


def plan_for_services(
    project: Project, services: Sequence[Project], noxfile: Noxfile | None, noxfile_text: str | None, command: str
) -> Plan:
    """A repository of several projects: a table for each, and one noxfile for all."""
    root = project.root
    proposals = [propose(each, None, command) for each in services]
    changes = [pyproject_change(each) for each in proposals]
    calls = register_calls(root, services, noxfile)
    path = root / "noxfile.py"
    after = with_registered(path, noxfile_text or "", calls, our_requirement())
    changes.append(Change(path=path, before=noxfile_text, after=after))
    lines = [f"several projects below {root.name}:"]
    for proposal, call in zip(proposals, calls, strict=True):
        lines += ["", f"project    {call.root}", *proposal.lines]
    return Plan(
        lines=(*lines, "", noxfile_line(noxfile) if noxfile else "noxfile    none yet"),
        changes=tuple(each for each in changes if each.is_one),
        next=next_commands(command, [f"nox -s {each.prefix}" for each in calls]),
        hint="" if noxfile is None or noxfile.is_script else BESIDE_NOX,
    )


def register_calls(root: Path, services: Sequence[Project], noxfile: Noxfile | None) -> list[Registered]:
    """The call of `register()` for each project: the existing one, or one whose sessions have unused names."""
    there = {each.root: each for each in (noxfile.registered if noxfile else ())}
    taken = {*(noxfile.sessions if noxfile else ())}
    calls: list[Registered] = []
    for each in services:
        place = each.root.relative_to(root)
        taken_prefixes = {call.prefix for call in (*calls, *there.values())}
        prefixes = [f"{each.root.name}-", f"{'-'.join(place.parts)}-"]
        free = [prefix for prefix in prefixes if prefix not in taken_prefixes] or prefixes[-1:]
        new = Registered(root=place.as_posix(), prefix=free_prefix(taken, free))
        calls.append(there.get(new.root, new))
    return calls


def next_commands(command: str, calls: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The commands to run after everything is written.

    Args:
        command: How the user calls the program.
        calls: The beginning of the command for each project, without the step's name.
    """
    return (
        (f"{command} check", "checks whether this machine can build"),
        *((f"{call}image", "builds the image") for call in calls),
        *((f"{call}smoke", "builds the image, runs it and tests it") for call in calls),
    )


def check_root(root: Path) -> Path:
    """The absolute path of a folder.

    Raises:
        ConfigError: it is not a folder.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder.", "Name a project's folder.")
    return root.resolve()
