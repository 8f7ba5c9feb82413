"""Imports the target, and observes the program, before it is frozen."""
