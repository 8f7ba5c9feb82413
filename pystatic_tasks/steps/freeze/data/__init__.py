"""Handles the project's own data that goes into the program."""
