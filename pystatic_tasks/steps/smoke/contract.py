"""The contract of an image: each check, as a function."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from pystatic_tasks.config.hiding import hiding
from pystatic_tasks.config.model import ServerKind
from pystatic_tasks.engines.base import GRACE_SECONDS, Exit
from pystatic_tasks.oci.archive import Written
from pystatic_tasks.oci.reading.images import open_layers
from pystatic_tasks.steps.logged_errors import logged_errors
from pystatic_tasks.steps.results import Check
from pystatic_tasks.system.units import megabytes

SHELLS = {"sh", "ash", "bash", "dash", "ksh", "zsh", "fish", "csh", "busybox"}
SET_ID_BITS = 0o6000
# Of a program that ended by itself, or by SIGTERM in the end, as some servers do after they have closed.
ORDERLY_CODES = (0, 128 + signal.SIGTERM)


def check_users(users: Iterable[str]) -> Check:
    found = sorted(users)
    passed = bool(found) and not {"0", "root"} & set(found)
    return Check(name="not root", passed=passed, seen=f"user {', '.join(found)}" if found else "no process found")


def check_log(output: str, server: ServerKind, known: Collection[str] = (), secrets: Collection[str] = ()) -> Check:
    """`known` are the errors that the plain program also logs, without these secrets."""
    logged = list(logged_errors(output, server, hiding(secrets)))
    errors = [error.line for error in logged if error.text not in known]
    none = "none that the plain program does not log too" if logged else "none"
    return Check(name="no errors logged", passed=not errors, seen=errors[0] if errors else none)


def check_stop(end: Exit, *, by_term: bool = False) -> Check:
    """After SIGTERM; `by_term` if the log says that the signal ended it, whatever the exit code is."""
    passed = (end.code in ORDERLY_CODES or by_term) and end.seconds < GRACE_SECONDS
    return Check(name="TERM ends it", passed=passed, seen=f"exit code {end.code} after {end.seconds:.1f} s")


def check_ended(code: int | None) -> Check:
    """For a program that ended before SIGTERM."""
    return Check(name="TERM ends it", passed=False, seen=f"it had ended by itself with exit code {code}")


def check_leftovers(leftovers: Iterable[str], unpacked: str) -> Check:
    """Nothing that was unpacked into /tmp may be left; `unpacked` is a regular expression for it, or ""."""
    found = [path for path in leftovers if unpacked and re.match(unpacked, path)]
    seen = ", ".join(found[:3]) + (" …" if len(found) > 3 else "")
    return Check(name="nothing left in /tmp", passed=not found, seen=seen or "empty")


def check_health(code: int) -> Check:
    return Check(name="health check answers", passed=code == 0, seen=f"exit code {code}")


def check_files(archive: Path, program: str = "", built: Written | None = None) -> list[Check]:
    """That the image has no shell and no set-uid file.

    Args:
        archive: The image.
        program: A file in its root that may have any name.
        built: What the archive must contain, if known.
    """
    files = list(image_files(archive, built))
    shells = sorted(name for name, _ in files if PurePosixPath(name).name in SHELLS and name != program)
    set_id = sorted(name for name, mode in files if mode & SET_ID_BITS)
    return [
        Check(name="no shell", passed=not shells, seen=", ".join(shells) or f"{len(files)} files"),
        Check(name="no set-uid file", passed=not set_id, seen=", ".join(set_id) or f"{len(files)} files"),
    ]


def image_files(archive: Path, built: Written | None) -> Iterable[tuple[str, int]]:
    """Name and mode of every file in the layers of an archive."""
    for layer in open_layers(archive, built):
        yield from ((member.name, member.mode) for member in layer if member.kind != "folder")


def check_budget(sizes: tuple[int, int], budgets: tuple[int | None, int | None]) -> Check:
    """That an image is within its budgets; sizes and budgets are in bytes, on disk and on the wire."""
    figures = zip(("", " on the wire"), sizes, budgets, strict=True)
    held = [(where, size, budget) for where, size, budget in figures if budget is not None]
    seen = [f"{megabytes(size)}{where}, budget {megabytes(budget)}" for where, size, budget in held]
    passed = all(size <= budget for _, size, budget in held)
    return Check(name="within budget", passed=passed, seen="; ".join(seen) or f"{megabytes(sizes[0])}, no budget")
