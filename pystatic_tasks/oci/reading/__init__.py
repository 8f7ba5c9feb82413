"""Archives of images, read back, whoever wrote them."""
