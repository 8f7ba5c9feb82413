"""What people would take instead, beside ours: `./nox.sh -s peers`.

Figures of one run are compared with each other only: what counts are the ratios.
"""
