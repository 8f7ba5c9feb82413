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
    from pystatic_tasks.fronts.sessions.own_session import run_step
    from pystatic_tasks.fronts.sessions.registration import register

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
    """Import Nox only when a session is used, and the configuration only when it is read."""
    if name == "register":
        from pystatic_tasks.fronts.sessions.registration import register

        return register
    if name == "run_step":
        from pystatic_tasks.fronts.sessions.own_session import run_step

        return run_step
    if name == "load_config":
        from pystatic_tasks.config import load_config

        return load_config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
