"""Sends images to registries, without a daemon."""
