"""Reads and checks image archives, which may not be trusted."""
