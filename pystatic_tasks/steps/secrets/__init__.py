"""Keeps secrets and ignored files of a project out of an image: by name, by content, and by what git ignores."""
