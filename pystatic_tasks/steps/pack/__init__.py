"""Step two: packs the frozen program into one static executable."""
