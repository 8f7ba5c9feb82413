"""Step one: the target and its runner frozen into one program."""
