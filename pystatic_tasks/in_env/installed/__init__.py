"""Reads what is installed in the build environment."""
