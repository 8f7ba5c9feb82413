"""Engines, which run images: one module for each, found by registry.py."""

from pystatic_tasks.engines.base import Artifact, Container, Engine, Policy, make_artifact
from pystatic_tasks.engines.choose import choose_engine, loading_engines
from pystatic_tasks.engines.registry import all_engines
from pystatic_tasks.engines.trial import why_not

__all__ = [
    "Artifact",
    "Container",
    "Engine",
    "Policy",
    "all_engines",
    "choose_engine",
    "loading_engines",
    "make_artifact",
    "why_not",
]
