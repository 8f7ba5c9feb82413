"""What travels inside frozen programs: a standalone gunicorn and its health check.

This package imports nothing else of pystatic_tasks.
It is copied into what is built, and can be used unfrozen too:
`python -m pystatic_tasks.runner package.module:app`.
"""
