"""Modules that stand in the place of others that were left out, and say so when they are used."""
