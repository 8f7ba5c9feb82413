"""What travels inside frozen programs: the server around the application, and the program's health check.

This package imports nothing else of pystatic_tasks.
It is copied into what is built, and can be used unfrozen too:
`python -m pystatic_tasks.runner package.module:app`.
"""
