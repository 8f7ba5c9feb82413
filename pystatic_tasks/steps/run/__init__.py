"""The step run: the image in the foreground, until it ends or Ctrl-C ends it."""
