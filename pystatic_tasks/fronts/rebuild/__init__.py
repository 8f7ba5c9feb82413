"""Builds again: after a repair, and elsewhere to see whether the result is the same."""
