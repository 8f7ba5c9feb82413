"""Step three: root files, layer, OCI image, one archive that every engine loads."""

from pystatic_tasks.image.step import image

__all__ = ["image"]
