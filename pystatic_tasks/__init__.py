"""Nox sessions that turn a Python web service into a tiny container image `FROM scratch`.

```python
# noxfile.py
import pystatic_tasks

pystatic_tasks.register()
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pystatic_tasks.errors import (
    ConfigError,
    FreezeError,
    ImageError,
    MissingToolError,
    ProgramError,
    PushError,
    PystaticError,
    SmokeError,
    StaticxError,
)

if TYPE_CHECKING:
    from pystatic_tasks.config import load_config
    from pystatic_tasks.fronts.sessions import register, run_step

__all__ = [
    "ConfigError",
    "FreezeError",
    "ImageError",
    "MissingToolError",
    "ProgramError",
    "PushError",
    "PystaticError",
    "SmokeError",
    "StaticxError",
    "load_config",
    "register",
    "run_step",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Load Nox only when a session is wanted, and the configuration only when it is read."""
    if name in ("register", "run_step"):
        from pystatic_tasks.fronts import sessions

        return getattr(sessions, name)
    if name == "load_config":
        from pystatic_tasks.config import load_config

        return load_config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
