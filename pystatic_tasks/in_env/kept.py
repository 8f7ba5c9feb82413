"""Keeps results for later builds, each in a file that begins with the SHA-256 of its name and its content.

Such a file may be damaged, for example by a power failure soon after it was written.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

DIGEST_BYTES = hashlib.sha256().digest_size


def write_beside(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    temporary = path.with_suffix(f".{threading.get_ident()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


def made_once(path: Path, make: Callable[[], bytes], write: Callable[[Path, bytes], None] = write_beside) -> bytes:
    """What is kept in a file, or, if there is none or it is not what was kept, what `make` returns, which is then kept.

    Args:
        path: The file; its name stands for everything that the result depends on.
        make: Makes the result.
        write: Writes the file.
    """
    found = read_kept(path)
    if found is None:
        found = make()
        write(path, digest(path, found) + found)
    return found


def read_kept(path: Path) -> bytes | None:
    """What is kept in a file; None if there is no file, or it is not what was kept."""
    try:
        with path.open("rb") as file:
            expected, content = file.read(DIGEST_BYTES), file.read()
    except FileNotFoundError:
        return None
    return content if digest(path, content) == expected else None


def digest(path: Path, content: bytes) -> bytes:
    found = hashlib.sha256(path.name.encode())
    found.update(content)
    return found.digest()
