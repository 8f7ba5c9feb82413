"""Determines what an image can leave out because it was never used, and records it in pystatic.lock."""
