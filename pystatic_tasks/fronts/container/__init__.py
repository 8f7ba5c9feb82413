"""Freeze and pack in a container, for machines that are not Linux, or not the Linux that is wanted."""
