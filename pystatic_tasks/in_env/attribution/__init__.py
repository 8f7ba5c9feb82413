"""Finds where the files of a program come from, and under which licences."""
