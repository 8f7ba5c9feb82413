"""What runs in the build environment, beside the project and the tools.

It imports the standard library and what is installed there, nothing else of pystatic_tasks. A module that can be
asked has a function `main(question, answer)` with the paths of two files of JSON; boot.py calls it, and what is in
the files is in protocol.py.
"""
