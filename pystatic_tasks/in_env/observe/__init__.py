"""The program run once, and what it was seen to need."""
