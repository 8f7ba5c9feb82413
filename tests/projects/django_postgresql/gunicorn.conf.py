def on_starting(server):
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", interactive=False, verbosity=0)
    # The workers are forked from here, and two processes cannot share a connection.
    connections.close_all()
