"""Reads the configuration, from `[tool.pystatic-tasks]` and what overrides it, into frozen dataclasses."""

from pystatic_tasks.config.load import load_config
from pystatic_tasks.config.model import ImageConfig, Request

__all__ = ["ImageConfig", "Request", "load_config"]
