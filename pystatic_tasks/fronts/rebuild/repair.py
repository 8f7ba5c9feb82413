"""Writes what smoke found missing into the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.sources import ENVIRONMENT_PREFIX
from pystatic_tasks.errors import ConfigError, Repair


def write_repairs(config: ImageConfig, repairs: Sequence[Repair], say: Callable[[str], None]) -> list[str]:
    """Write the repairs into pyproject.toml, report each, and return the lines that were written."""
    # Imported here: it needs a TOML library that nothing else in a session needs.
    from pystatic_tasks.config.write import write_repair

    lines = [write_repair(config, repair) for repair in repairs]
    for line in lines:
        say(f"wrote into pyproject.toml: {line}")
    return lines


def check_repaired(config: ImageConfig, repair: Repair) -> None:
    """Raises ConfigError if something overrides the repair in pyproject.toml."""
    there = getattr(getattr(config, repair.table), repair.field)
    is_written = there == repair.value if isinstance(repair.value, bool) else set(repair.value) <= set(there)
    if is_written:
        return
    variable = ENVIRONMENT_PREFIX + repair.name.replace(".", "_").replace("-", "_").upper()
    raise ConfigError(
        f"{repair.name} is now in {config.root / 'pyproject.toml'}, "
        f"but the noxfile's call or the variable {variable} overrides it.",
        "Remove the override, or add the value there too.",
    )
