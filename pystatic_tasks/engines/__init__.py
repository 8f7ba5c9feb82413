"""Whatever can run an image: Docker, Podman, or a sandbox of the machine's own."""

from pystatic_tasks.engines.base import Artifact, Container, Engine, Policy, make_artifact
from pystatic_tasks.engines.choose import choose_engine, loading_engines

__all__ = ["Artifact", "Container", "Engine", "Policy", "choose_engine", "loading_engines", "make_artifact"]
