"""The bill of materials: the components of an image, and the documents that list them."""
