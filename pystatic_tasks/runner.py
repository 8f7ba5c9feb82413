"""`python -m pystatic_tasks.runner TARGET`: runs a target with the server of a frozen program, without freezing it."""

import sys

from pystatic_tasks.config.model import DEFAULT_SERVER
from pystatic_tasks.in_image.unfrozen import run

if __name__ == "__main__":
    sys.exit(run(DEFAULT_SERVER))
