"""Sizes as people read them."""

from __future__ import annotations


def megabytes(size_bytes: int) -> str:
    """Decimal megabytes, as engines show them."""
    return f"{size_bytes / 1e6:.2f} MB"
