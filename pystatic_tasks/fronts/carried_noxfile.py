"""The noxfile for those who have none: it adds the sessions for the call that `nox_process.run` left."""

import os

import pystatic_tasks
from pystatic_tasks.fronts.nox_process import read_call

CALL = read_call(os.environ)
# Nox goes to the noxfile's folder; pip, uv and git look for what is the project's from where they are started.
os.chdir(CALL.root)
pystatic_tasks.register(root=CALL.root, **CALL.overrides)
