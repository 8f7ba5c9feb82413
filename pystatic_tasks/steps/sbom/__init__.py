"""Reports what is inside an image, and writes it in other formats too."""
