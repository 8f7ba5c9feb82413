import pystatic_tasks

pystatic_tasks.register()
