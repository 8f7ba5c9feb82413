"""Imports the target, and finds what the freeze has to know."""
