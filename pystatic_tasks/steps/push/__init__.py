"""Images sent to registries, without any daemon."""
