"""The part that runs in the build environment, next to the project and the tools.

It imports the standard library and what is installed there, nothing else of pystatic_tasks. A module that answers
questions has a function `main(question, answer)` with the paths of two JSON files. boot.py calls it; protocol.py
defines the content of the files.
"""
