"""What is inside an image, on record: written with every image, and once more in other words by a step of its own."""

from pystatic_tasks.sbom.step import sbom

__all__ = ["sbom"]
