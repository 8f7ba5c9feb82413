"""The target imported, and what follows from it."""
