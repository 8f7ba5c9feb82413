"""Reads ELF files, prepares them for an image, and makes them compress better."""
