"""What the program shows before it is frozen: its target imported, and the program run."""
