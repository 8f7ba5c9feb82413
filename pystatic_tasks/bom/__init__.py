"""The bill of materials: what is inside an image, and the documents that say so."""
