"""The step shell: the image with a shell beside the program, for people who must look inside."""
