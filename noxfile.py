"""Sessions of this project; the last line is all that a user would add to theirs."""

import pystatic_tasks

pystatic_tasks.register()
