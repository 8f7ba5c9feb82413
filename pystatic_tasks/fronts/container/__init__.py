"""Freeze and pack in a container: for machines without Linux, or for another Linux than this one."""
