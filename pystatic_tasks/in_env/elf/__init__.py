"""ELF files: read, made fit for an image, made smaller once compressed."""
