def on_starting(server):
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
