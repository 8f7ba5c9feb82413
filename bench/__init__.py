"""What is measured and how: `./nox.sh -s bench`.

The sample app as plain Python, as a tree and as one file, each in turn, round after round.
Figures of one run are compared with each other only: what counts are the ratios.
"""
