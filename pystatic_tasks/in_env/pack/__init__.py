"""Packs a frozen program into one static executable."""
