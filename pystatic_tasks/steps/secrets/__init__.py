"""Data of a project that is refused, since it is secret: by name, by content, by what git ignores."""
