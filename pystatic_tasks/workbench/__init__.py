"""Scripts that run in the build environment, beside the project and the tools.

They import the standard library and what is installed there, nothing else of pystatic_tasks.
Each reads one JSON file and writes another: `python -I SCRIPT INPUT OUTPUT`.
"""
