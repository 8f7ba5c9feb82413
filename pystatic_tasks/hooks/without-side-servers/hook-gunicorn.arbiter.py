# Started by the settings dirty_apps and control_socket_disable.
excludedimports = ["gunicorn.dirty", "gunicorn.ctl"]
