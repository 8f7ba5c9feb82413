"""What an image leaves out since it was never used, on record in pystatic.lock."""
