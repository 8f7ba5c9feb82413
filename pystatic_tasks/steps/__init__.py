"""What is done, in order: from a project to a container that was seen to work."""
