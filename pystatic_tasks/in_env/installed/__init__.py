"""What is installed in the build environment."""
