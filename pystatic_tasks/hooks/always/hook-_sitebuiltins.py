# Only help() at an interactive prompt, which a frozen program has not, imports pydoc.
excludedimports = ["pydoc"]
