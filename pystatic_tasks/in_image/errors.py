"""What can be wrong with what somebody asks of a server."""

from __future__ import annotations


class SettingsError(ValueError):
    """A setting is unknown, has a value that the server refuses, or cannot be met here; the text is one sentence."""


class TargetError(Exception):
    """The target is not an application; the text is one sentence."""
