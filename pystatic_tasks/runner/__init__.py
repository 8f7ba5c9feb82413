"""What travels inside frozen programs: a standalone gunicorn and its health check.

This package imports nothing else of pystatic_tasks.
It is copied into what is built, and can be used unfrozen too:
`python -m pystatic_tasks.runner package.module:app`.
"""

import os

# gunicorn reads it while it is imported, and a wrong value ends there in a traceback.
_workers = os.environ.pop("WEB_CONCURRENCY", None)
try:
    import gunicorn.config  # noqa: F401
finally:
    if _workers is not None:
        os.environ["WEB_CONCURRENCY"] = _workers
