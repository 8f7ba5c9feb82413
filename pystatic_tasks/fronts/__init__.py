"""The front ends that call the steps: Nox, Invoke and the command line."""
