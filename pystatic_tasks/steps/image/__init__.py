"""Step three: root files, layers, the OCI image, and one archive that every engine can load."""
