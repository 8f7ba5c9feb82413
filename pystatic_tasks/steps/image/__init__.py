"""Step three: root files, layers, OCI image, one archive that every engine loads."""
