"""Fills the build environment: its Python, the project, and the tools."""
