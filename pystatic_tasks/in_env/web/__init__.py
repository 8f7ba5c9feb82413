"""Requests of HTTP, within limits, and their answers."""
