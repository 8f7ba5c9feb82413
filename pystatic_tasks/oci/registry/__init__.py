"""Pushes images to registries, by the OCI distribution specification."""
