"""The noxfile for projects without one: it registers the sessions for the call that `nox_process.run` passed on."""

import os

import pystatic_tasks
from pystatic_tasks.fronts.nox_process import read_call

CALL = read_call(os.environ)
# Nox changes to the noxfile's folder, but pip, uv and git look for the project's files in the working directory.
os.chdir(CALL.root)
pystatic_tasks.register(root=CALL.root, **CALL.overrides)
