"""Images of several platforms joined to one."""
