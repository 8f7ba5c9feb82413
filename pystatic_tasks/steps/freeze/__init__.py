"""Step 1: freezes the target and its runner into one program."""
