"""Joins images of several platforms into one."""
