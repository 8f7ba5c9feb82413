"""Images that are run: as processes in their own root, and by Docker."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

from bench.containers import WRITABLE_TMP, container
from bench.measure import Figures, in_turn, start
from bench.peers.figures import NEEDS_TMP, NEVER, REFERENCE, STRICT
from bench.peers.images import export, settings_of_image
from bench.server import BenchError, Question, Variant

# What an engine mounts; the mounts are this process's own, and gone with it.
ENTER = (
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount -t tmpfs -o mode=1777 tmpfs "$0/tmp" && '
    'exec chroot "$0" "$@"'
)
MOUNT_POINTS = ("proc", "dev", "tmp")
# An engine's. No other variable of this process gets through: one that asks for a locale that is not there ends some.
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# As on a read-only root.
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE=1"
POLICIES: Sequence[tuple[str, Sequence[str]]] = ((STRICT, ()), (NEEDS_TMP, WRITABLE_TMP))


def process(name: str, image: str, root: Path, question: Question) -> Variant:
    """The program of an image in its own root, which is unpacked for it."""
    export(image, root)
    for each in MOUNT_POINTS:
        (root / each).mkdir(exist_ok=True)
    settings = settings_of_image(image)
    # The path is that of the programs which enter it; none of the images needs its own.
    variables = [each for each in settings.get("Env") or [] if not each.startswith("PATH=")]
    clean = ["/usr/bin/env", "-i", PATH, "HOME=/", NO_BYTECODE, *variables]
    enter = [*clean, "/usr/bin/unshare", "--mount", "sh", "-c", ENTER]
    return Variant(name=name, command=[*enter, str(root), *settings["Entrypoint"]], is_killed=True, question=question)


def strictest(name: str, image: str, question: Question, port: int, log: Path) -> tuple[str, Variant | None]:
    """The strictest policy by which it gives the right answer, and how it is then run; None if it never does."""
    for policy, options in POLICIES:
        variant = replace(container(name, image, port, options), question=question)
        try:
            start(in_foreground(variant), port, log)
        except BenchError:
            continue
        else:
            return policy, variant
        finally:
            subprocess.run(variant.stop, capture_output=True, check=False)
    return NEVER, None


def of_those_that_answer(
    variants: Sequence[Variant], rounds: int, find: Callable[[Variant], float], say: Callable[[str], None]
) -> Figures:
    """Measure in turn; who fails is left out from then on, and has no figures.

    Args:
        variants: Plain Python among them.
        rounds: How often each is measured.
        find: What is measured.
        say: Told of who fails.

    Raises:
        BenchError, OSError, HTTPException: plain Python failed, without which there are no ratios.
    """
    failed: set[str] = set()

    def found(variant: Variant) -> float:
        if variant.name in failed:
            return math.nan
        try:
            return find(variant)
        except (BenchError, OSError, HTTPException) as error:
            if variant.name == REFERENCE:
                raise
            failed.add(variant.name)
            say(f"{variant.name}: {error}")
            return math.nan

    figures = in_turn(variants, rounds, found)
    return {name: each for name, each in figures.items() if name not in failed}


def in_foreground(variant: Variant) -> Variant:
    """The same container as a command that ends when it ends, so that nobody waits for one that has failed."""
    return replace(variant, command=[word for word in variant.command if word != "--detach"], is_killed=True, stop=())
