"""The formats of the Open Container Initiative, written and read."""
