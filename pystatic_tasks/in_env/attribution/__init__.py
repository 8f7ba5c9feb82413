"""Whose the files of a program are, and under which terms."""
