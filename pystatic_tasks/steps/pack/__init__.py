"""Step two: the frozen program packed into one static executable."""
