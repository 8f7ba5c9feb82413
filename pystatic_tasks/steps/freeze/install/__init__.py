"""The build environment: which Python, what is installed in it, and from what."""
