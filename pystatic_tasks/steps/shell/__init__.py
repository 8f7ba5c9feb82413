"""The step shell: the image with a shell beside the program, for people who need to look inside."""
