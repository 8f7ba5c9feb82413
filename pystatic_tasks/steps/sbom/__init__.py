"""What is inside an image, said once more, and in other formats too."""
