"""Sizes for people."""

from __future__ import annotations


def megabytes(size_bytes: int) -> str:
    """Decimal megabytes, as engines show them."""
    return f"{size_bytes / 1e6:.2f} MB"


def amount(size_bytes: int) -> str:
    """The size in megabytes, or in a smaller unit if it is small."""
    if abs(size_bytes) >= 100_000:
        return megabytes(size_bytes)
    return f"{size_bytes / 1e3:.1f} kB" if abs(size_bytes) >= 1_000 else f"{size_bytes} B"
