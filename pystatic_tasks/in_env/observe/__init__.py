"""Runs the program once, and finds what it needs."""
