"""Resolves the names of images in YAML, for a cluster."""
