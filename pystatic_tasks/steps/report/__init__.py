"""Write the page that tells of an image."""
