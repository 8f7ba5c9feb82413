"""Reads and writes the formats of the Open Container Initiative."""
