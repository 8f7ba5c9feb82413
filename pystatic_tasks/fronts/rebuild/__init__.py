"""What is built once more: after a repair, and elsewhere to see whether the same comes out."""
