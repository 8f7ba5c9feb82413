"""Writes the page of an image."""
