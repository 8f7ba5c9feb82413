"""The step: from what the program was seen to use to what is left out."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import FreezeError
from pystatic_tasks.in_env.names import is_kept, outermost, top_of, used_names
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import require_manifest, write_manifest
from pystatic_tasks.steps.results import Frozen, Slimmed
from pystatic_tasks.steps.slim_lock import lock_path, write_lock

STANDARD_LIBRARY = "standard library"
BY_CONFIGURATION = "slim.keep"


def slim(config: ImageConfig, context: StepContext) -> Slimmed:
    """Write into pystatic.lock what the program was not seen to use.

    Raises:
        FreezeError: it was not observed, or not to the end.
        ConfigError: the existing file is not valid TOML.
    """
    frozen = require_manifest(config, Frozen).result
    if not frozen.uses or frozen.not_observed:
        why = frozen.not_observed or "it was frozen with --no-observe"
        raise FreezeError(
            f"Cannot tell what {config.name} uses, since it was not fully observed: {why}.",
            "Have it observed as the documentation describes, then run slim again.",
        )
    decided = decide(config, frozen)
    write_lock(config, decided)
    context.say(
        f"{shown(config, lock_path(config))}: {config.name} leaves out {len(decided.names_left_out)} of "
        f"{len(frozen.optional)} names that it could do without"
    )
    return write_manifest(config, decided, inputs="", outputs=[lock_path(config)]).result


def decide(config: ImageConfig, frozen: Frozen) -> Slimmed:
    """Decide what is left out, by what was used."""
    optional = set(frozen.optional)
    kept: dict[str, tuple[str, ...]] = {}
    for use in frozen.uses:
        names = used_names(use) & optional - {name for names in kept.values() for name in names}
        if names:
            # The same request may be sent more than once, with other headers.
            kept[use.occasion] = tuple(sorted({*kept.get(use.occasion, ()), *names}))
    staying = {name for names in kept.values() for name in names}
    wanted = {name for name in optional - staying if is_kept(name, config.slim.keep)}
    if wanted:
        kept[BY_CONFIGURATION] = tuple(sorted(wanted))
    left_out = outermost(optional - staying - wanted)
    version = ".".join(frozen.interpreter.version.split(".")[:2])
    return Slimmed(python=version, left_out=by_package(left_out), kept=kept)


def by_package(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Names by their top-level package; those of the standard library together."""
    found = defaultdict(list)
    for name in sorted(names):
        top = top_of(name)
        found[STANDARD_LIBRARY if top in sys.stdlib_module_names else top].append(name)
    return {top: tuple(found[top]) for top in sorted(found, key=lambda top: (top != STANDARD_LIBRARY, top))}
