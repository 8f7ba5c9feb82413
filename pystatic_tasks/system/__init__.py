"""The machine: its files, processes and tools, and the terminal."""
