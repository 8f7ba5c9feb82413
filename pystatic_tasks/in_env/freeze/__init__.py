"""Freezes the program: analysis, bytecode, a tree of plain files."""
