"""Who calls the steps: Nox, Invoke and the command line."""
