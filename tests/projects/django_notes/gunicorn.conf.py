import os


def on_starting(server):
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    if "DJANGO_SUPERUSER_PASSWORD" in os.environ:
        call_command("createsuperuser", interactive=False, verbosity=0)
