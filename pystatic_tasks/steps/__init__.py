"""The steps, from a project to a container that is proven to work."""
