"""The program frozen: analysis, bytecode, a tree of plain files."""
